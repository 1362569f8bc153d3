//! Requests through the whole stack: the handler runs for genuine ones alone,
//! and for them once.

#![no_main]

use std::sync::{Arc, Mutex};

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_webhook::signature::{Algorithm, Source};
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::{Rejection, RejectionKind, Timestamp, VerifiedBody, VerifyLayer, WebhookLayer};
use tower_webhook_fuzz::body::{Chunked, block_on};
use tower_webhook_fuzz::judge::Named;
use tower_webhook_fuzz::oracle::{self, NOW, Preset};
use tower_webhook_fuzz::text::Text;

const MAX_BODY: usize = 1024;

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

    let chunked = Chunked::new(body.clone(), &input.chunks, input.announced);
    let accepted = genuine && !chunked.fails() && body.len() <= MAX_BODY;
    let request = Request::from_parts(parts, chunked);
    let again = request.clone();
    let renamed = renamed(preset, request.clone());

    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(NOW)));
    let calls = Arc::new(Mutex::new(Vec::new()));
    let handler = service_fn({
        let calls = Arc::clone(&calls);
        move |request: Request<VerifiedBody>| {
            calls
                .lock()
                .expect("no panic")
                .push(request.into_body().into_bytes());
            async { Ok(Response::new(String::new())) }
        }
    });
    let verifier = preset.verifier.clone();
    if input.verify_only {
        let layer = VerifyLayer::new(verifier).with_clock(clock);
        let service = layer
            .with_max_body(MAX_BODY)
            .expect("not zero")
            .layer(handler);
        let response = send(service, request);
        assert_eq!(
            *calls.lock().expect("no panic"),
            vec![body; accepted.into()]
        );
        assert_eq!(response.status() == StatusCode::OK, accepted);
        assert_eq!(kind(&response).is_none(), accepted);
        return;
    }

    // A challenge is answered in the handler's place.
    let layer = WebhookLayer::new(verifier)
        .with_clock(clock)
        .without_handshakes();
    let service = layer
        .with_max_body(MAX_BODY)
        .expect("not zero")
        .layer(handler);
    let first = send(service.clone(), request);
    let ran = calls.lock().expect("no panic").len();
    let without_id = matches!(
        kind(&first),
        Some(RejectionKind::MissingEventId | RejectionKind::InvalidEventId)
    );
    let has_id = match named {
        Some(Named::By(_) | Named::Batch) => true,
        Some(Named::Not) => preset.row.id.optional,
        Some(Named::Unreadable) => preset.row.id.optional && !without_id,
        Some(Named::Unusable) | None => false,
    };
    assert_eq!(ran == 1, accepted && has_id, "{}: {first:?}", preset.name());
    assert_eq!(
        without_id,
        accepted && !has_id,
        "{}: {first:?}",
        preset.name()
    );
    assert_eq!(first.status().is_success(), ran == 1);

    let second = send(service.clone(), again);
    assert_eq!(second.status(), first.status(), "the same request, twice");
    if let Some(renamed) = renamed.filter(|_| ran == 1) {
        send(service, renamed);
    }
    let times = if preset.row.id.is_remembered { 1 } else { 2 };
    assert_eq!(*calls.lock().expect("no panic"), vec![body; ran * times]);
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

/// The request under another event id; `None` where nothing but the id could
/// tell that it is not another event.
fn renamed(preset: &Preset, mut request: Request<Chunked>) -> Option<Request<Chunked>> {
    let [Source::Header(names)] = preset.scheme.event_id() else {
        return None;
    };
    if preset.scheme.algorithm() == Algorithm::Token {
        return None;
    }
    for name in names {
        let line = request.headers_mut().get_mut(name.as_ref());
        line.map(|line| *line = HeaderValue::from_static("evt_replayed"));
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

/// Every answer is one that the crate means to give.
fn send<S>(service: S, request: Request<Chunked>) -> Response<String>
where
    S: Service<Request<Chunked>, Response = Response<String>, Error = std::convert::Infallible>,
{
    let response = block_on(service.oneshot(request));
    let known = [200, 400, 401, 405, 413];
    assert!(known.contains(&response.status().as_u16()), "{response:?}");
    response
}

fn kind(response: &Response<String>) -> Option<RejectionKind> {
    response
        .extensions()
        .get::<Rejection>()
        .map(Rejection::kind)
}
