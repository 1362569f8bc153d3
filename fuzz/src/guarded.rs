//! One request through the layers, against what the oracle says of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_webhook::signature::{Algorithm, Source};
use tower_webhook::testing::ManualClock;
use tower_webhook::{Rejection, RejectionKind, Timestamp, VerifiedBody, VerifyLayer, WebhookLayer};

use crate::body::{Chunked, block_on};
use crate::judge::Named;
use crate::oracle::{NOW, Preset};

const MAX_BODY: usize = 1024;

/// Panics unless the handler runs for the request if, and only if, it is
/// genuine, arrives and has an id where it must, and then once, with the bytes
/// that were sent. Returns whether it ran.
pub fn check(
    preset: &Preset,
    request: Request<Bytes>,
    named: Option<Named>,
    (chunks, announced): (&[u8], bool),
    verify_only: bool,
) -> bool {
    let (parts, body) = request.into_parts();
    let genuine = named.is_some();
    let chunked = Chunked::new(body.clone(), chunks, announced);
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
    if verify_only {
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
        return accepted;
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
    ran == 1
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

/// Every answer is one that the crate means to give.
fn send<S>(service: S, request: Request<Chunked>) -> Response<String>
where
    S: Service<Request<Chunked>, Response = Response<String>, Error = Infallible>,
{
    let response = block_on(service.oneshot(request));
    let known = [200, 400, 401, 405, 413];
    assert!(known.contains(&response.status().as_u16()), "{response:?}");
    response
}

/// Why a request was refused, if it was.
pub fn kind(response: &Response<String>) -> Option<RejectionKind> {
    response
        .extensions()
        .get::<Rejection>()
        .map(Rejection::kind)
}
