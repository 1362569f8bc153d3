//! URLs and forms as providers sign them: the signature of one request is good
//! for another if, and only if, both are the same by the provider's rule.

#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
use tower_webhook::signature::{PublicUrl, ReceivedUri};
use tower_webhook::store::DedupKey;
use tower_webhook::testing::ManualClock;
use tower_webhook::{Timestamp, VerifiedBody, Verifier, WebhookLayer};
use tower_webhook_fuzz::body::{Chunked, block_on};
use tower_webhook_fuzz::oracle::NOW;
use tower_webhook_fuzz::recorder::Recorder;
use tower_webhook_fuzz::signed::{Message, Provider, SECRET};
use tower_webhook_fuzz::url::{host, is_configurable, target};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    provider: u8,
    /// Where the URL comes from: see [`Place`].
    place: u8,
    get: bool,
    /// Whether a router changed the target of the second request.
    routed: bool,
    /// Which of the alternatives is signed.
    which: u8,
    /// The URL that is configured, the targets of two requests, their content
    /// type, each on a line, and their bodies, with a zero in between. The
    /// second is as the first where it is missing.
    text: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Registered,
    Base,
    Behind,
}

fuzz_target!(|input: Input<'_>| {
    let provider = Provider::ALL[usize::from(input.provider) % Provider::ALL.len()];
    let place = [Place::Registered, Place::Base, Place::Behind][usize::from(input.place) % 3];
    let lines: Vec<&[u8]> = input.text.splitn(5, |byte| *byte == b'\n').collect();
    let [configured, first, second, kind, bodies] = lines[..] else {
        return;
    };
    let Ok(configured) = str::from_utf8(configured) else {
        return;
    };
    let Some(public_url) = public_url(place, configured) else {
        return;
    };
    let second = if second.is_empty() { first } else { second };
    let (Ok(first), Ok(second)) = (Uri::try_from(first), Uri::try_from(second)) else {
        return;
    };
    let mut bodies = bodies.splitn(2, |byte| *byte == 0);
    let body = bodies.next().expect("a piece");
    let other = bodies.next().unwrap_or(body);
    let method = if input.get { Method::GET } else { Method::POST };
    let request = |uri: &Uri| request(&method, place, configured, uri, kind);
    let (Some(mut first), Some(mut second)) = (request(&first), request(&second)) else {
        return;
    };

    let message = |parts: &Parts, body: &[u8]| {
        Some(Message {
            method: parts.method.clone(),
            url: url(place, configured, &parts.uri)?,
            headers: parts.headers.clone(),
            body: body.to_vec(),
        })
    };
    let verifier = Verifier::new(provider.scheme(public_url), SECRET).expect("a URL");
    let now = Timestamp::from_unix_millis(NOW);
    let (signed, other_message) = (message(&first, body), message(&second, other));
    if input.routed {
        let received = std::mem::replace(&mut second.uri, Uri::from_static("/other?x"));
        second.extensions.insert(ReceivedUri(received));
    }
    let (Some(signed), Some(other_message)) = (signed, other_message) else {
        // Nobody can say where the request was sent to.
        sign(&mut first, provider, b"");
        assert!(verifier.verify(&first, body, now).is_err());
        return;
    };

    let contents = provider.contents(&signed, true);
    let candidates = match contents.is_empty() {
        true => provider.contents(&signed, false),
        false => contents.clone(),
    };
    let Some(content) = candidates.get(usize::from(input.which) % candidates.len().max(1)) else {
        return;
    };
    sign(&mut first, provider, content);
    sign(&mut second, provider, content);
    let context = || {
        format!(
            "{provider:?} {first:?} {second:?} {}",
            input.text.escape_ascii()
        )
    };
    let takes = provider.takes(&method);
    let accepted = verifier.verify(&first, body, now).is_ok();
    assert_eq!(accepted, takes && !contents.is_empty(), "{}", context());
    let others = provider.contents(&other_message, true);
    let also = verifier.verify(&second, other, now).is_ok();
    assert_eq!(also, takes && others.contains(content), "{}", context());

    if provider.is_known_by_content() && accepted && also {
        let key = |parts: &Parts, body| key(&verifier, parts.clone(), body);
        let same = contents.first() == others.first();
        assert_eq!(
            key(&first, body) == key(&second, other),
            same,
            "{}",
            context()
        );
    }
});

/// Panics unless what may be configured is what must be able to be.
fn public_url(place: Place, configured: &str) -> Option<PublicUrl> {
    let (made, may) = match place {
        Place::Registered => (
            PublicUrl::registered(configured),
            is_configurable(configured, false),
        ),
        Place::Base => (
            PublicUrl::base(configured),
            is_configurable(configured, true),
        ),
        Place::Behind => {
            let proxies = TrustedProxies::x_forwarded_for(["10.0.0.0/8"])
                .and_then(|proxies| proxies.with_scheme_header("x-forwarded-proto"))
                .and_then(|proxies| proxies.with_host_header("x-forwarded-host"));
            let client_ip = ClientIp::behind(proxies.expect("valid headers"));
            (PublicUrl::behind(client_ip), true)
        }
    };
    assert_eq!(made.is_ok(), may, "{configured}");
    made.ok()
}

/// The URL that a request was sent to; `None` if nobody can say.
fn url(place: Place, configured: &str, uri: &Uri) -> Option<String> {
    Some(match place {
        Place::Registered => configured.to_owned(),
        Place::Base => {
            let base = configured.strip_suffix('/').unwrap_or(configured);
            format!("{base}{}", target(uri))
        }
        Place::Behind => {
            let (scheme, authority) = configured.split_once("://")?;
            let scheme = scheme.trim_matches([' ', '\t']).to_ascii_lowercase();
            ["http", "https"].contains(&scheme.as_str()).then_some(())?;
            let host = host(authority.trim_matches([' ', '\t']), &scheme)?;
            format!("{scheme}://{host}{}", target(uri))
        }
    })
}

fn request(
    method: &Method,
    place: Place,
    configured: &str,
    uri: &Uri,
    kind: &[u8],
) -> Option<Parts> {
    let mut request = Request::new(());
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    let headers = request.headers_mut();
    // The sender's word, which counts for nothing.
    headers.insert("host", HeaderValue::from_static("evil.test"));
    if !kind.is_empty() {
        headers.insert("content-type", HeaderValue::from_bytes(kind).ok()?);
    }
    if place == Place::Behind {
        let (scheme, host) = configured.split_once("://").unwrap_or((configured, ""));
        headers.insert("x-forwarded-proto", HeaderValue::from_str(scheme).ok()?);
        headers.insert("x-forwarded-host", HeaderValue::from_str(host).ok()?);
        let peer = PeerAddr::new(([10, 0, 0, 1], 443).into());
        request.extensions_mut().insert(peer);
    }
    Some(request.into_parts().0)
}

fn sign(parts: &mut Parts, provider: Provider, content: &[u8]) {
    for (name, value) in provider.headers(content) {
        let value = HeaderValue::from_str(&value).expect("a text");
        parts.headers.insert(name, value);
    }
}

/// What the delivery is remembered by.
fn key(verifier: &Verifier, parts: Parts, body: &[u8]) -> Vec<DedupKey> {
    let store = Arc::new(Recorder::default());
    let now = Timestamp::from_unix_millis(NOW);
    let layer = WebhookLayer::new(verifier.clone())
        .with_clock(Arc::new(ManualClock::new(now)))
        .with_store(store.clone())
        .expect("events are remembered for long enough")
        .without_handshakes();
    let handler = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    });
    let body = Chunked::new(Bytes::copy_from_slice(body), &[], false);
    let request = Request::from_parts(parts, body);
    let response = block_on(layer.layer(handler).oneshot(request));
    assert_eq!(response.status(), 200, "{response:?}");
    let keys = store.claimed();
    assert!(!keys.is_empty());
    keys
}
