//! Requests through the whole stack: the handler runs for genuine ones alone,
//! and for them once.

#![no_main]

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use libfuzzer_sys::fuzz_target;
use tower_webhook::Timestamp;
use tower_webhook::testing::Signer;
use tower_webhook_fuzz::guarded;
use tower_webhook_fuzz::oracle::{self, NOW, Preset};
use tower_webhook_fuzz::text::Text;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    preset: u8,
    mode: Mode,
    /// Only verification, or every layer.
    verify_only: bool,
    announced: bool,
    chunks: [u8; 6],
    text: &'a [u8],
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Mode {
    /// What the text says.
    Raw { get: bool },
    /// As the provider sends it.
    Honest,
    /// Honest, with one bit of the headers, query or body flipped.
    Tampered { bit: u16 },
    /// Honest, with one header line sent twice.
    Repeated { line: u8 },
    /// Honest, but sent at another time.
    Stale { seconds: i32 },
    /// Honest, but with a secret that is not the provider's.
    Forged,
}

fuzz_target!(|input: Input<'_>| {
    let preset = oracle::preset(input.preset);
    let Some(request) = request(preset, input.mode, input.text) else {
        return;
    };
    let (parts, body) = request.into_parts();
    let named = preset.judge(&parts, &body, NOW);
    let genuine = named.is_some();
    match input.mode {
        Mode::Honest => assert!(genuine, "{} {parts:?}", preset.name()),
        Mode::Forged => assert!(!genuine, "{} {parts:?}", preset.name()),
        Mode::Stale { seconds } => {
            let seconds = i128::from(seconds);
            let fresh = preset
                .row
                .time
                .as_ref()
                .is_none_or(|time| -seconds <= time.past * 60 && seconds <= time.future * 60);
            assert_eq!(genuine, fresh, "{} {parts:?}", preset.name());
        }
        Mode::Raw { .. } | Mode::Tampered { .. } | Mode::Repeated { .. } => {}
    }

    let request = Request::from_parts(parts, body);
    let arrives = (&input.chunks[..], input.announced);
    guarded::check(preset, request, named, arrives, input.verify_only);
});

fn request(preset: &Preset, mode: Mode, text: &[u8]) -> Option<Request<Bytes>> {
    let text = Text::split(text);
    let at = match mode {
        Mode::Stale { seconds } => NOW + i64::from(seconds) * 1000,
        _ => NOW,
    };
    let body = preset.honest_body(text.body, at);
    let secret = match mode {
        Mode::Forged => preset.forger.clone(),
        _ => preset.secret.clone(),
    };
    let at = Timestamp::from_unix_millis(at);
    let signer = Signer::new(preset.scheme.clone(), secret).expect("presets are valid");
    let family = text.lines.len() % 2;
    let mut request = signer.at(at).with_family(family).sign("/hook", body);
    match mode {
        Mode::Honest | Mode::Stale { .. } | Mode::Forged => {}
        Mode::Raw { get } => {
            let (parts, body) = preset.compose(&text)?;
            request = Request::from_parts(parts, body.into());
            if get {
                *request.method_mut() = Method::GET;
            }
        }
        Mode::Tampered { bit } => flip(&mut request, bit.into())?,
        Mode::Repeated { line } => {
            let at = usize::from(line) % request.headers().len().max(1);
            let (name, value) = request.headers().iter().nth(at)?;
            let (name, value) = (name.clone(), value.clone());
            request.headers_mut().append(name, value);
        }
    }
    Some(request)
}

/// Flips a bit; `None` where the result is no HTTP.
fn flip(request: &mut Request<Bytes>, bit: usize) -> Option<()> {
    let mask = 1 << (bit % 8);
    let mut at = bit / 8;
    for value in request.headers_mut().values_mut() {
        if at < value.len() {
            let mut bytes = value.as_bytes().to_vec();
            bytes[at] ^= mask;
            *value = HeaderValue::from_bytes(&bytes).ok()?;
            return Some(());
        }
        at -= value.len();
    }
    let query = request.uri().query().unwrap_or("");
    if at < query.len() {
        let mut bytes = query.as_bytes().to_vec();
        bytes[at] ^= mask;
        let query = String::from_utf8(bytes).ok()?;
        *request.uri_mut() = format!("/hook?{query}").parse().ok()?;
        return Some(());
    }
    at -= query.len();
    let mut bytes = request.body().to_vec();
    *bytes.get_mut(at)? ^= mask;
    *request.body_mut() = bytes.into();
    Some(())
}
