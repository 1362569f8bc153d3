//! `poll_ready`: what an unverified request may hold, and what inner services
//! may demand.

use std::convert::Infallible;
use std::future::Ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_webhook::client_ip::PeerAddr;
use tower_webhook::ip_allowlist::IpAllowlist;
use tower_webhook::provider;
use tower_webhook::rate_limit::Quota;
use tower_webhook::testing::ManualClock;
use tower_webhook::{VerifiedBody, VerifyLayer, WebhookLayer};

use crate::support::bodies::Scripted;
use crate::support::{BODY, Calls, NOW, genuine, signer, verifier};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(NOW))
}

fn verify() -> VerifyLayer {
    VerifyLayer::new(verifier(&provider::github())).with_clock(clock())
}

/// With all that can be switched on.
fn webhook() -> WebhookLayer {
    WebhookLayer::new(verifier(&provider::github()))
        .with_clock(clock())
        .with_allowlist(IpAllowlist::new(["127.0.0.0/8"]).unwrap())
        .with_caller_limit(Quota::per_second(10).unwrap())
        .with_delivery_limit(Quota::per_second(10).unwrap())
}

fn from_peer<B>(mut request: Request<B>) -> Request<B> {
    let peer = PeerAddr::new(([127, 0, 0, 1], 1).into());
    request.extensions_mut().insert(peer);
    request
}

fn request(id: &str) -> Request<Body> {
    let signer = signer(&provider::github()).with_event_id(id);
    from_peer(signer.sign("/hook", format!("{BODY}{id}")).map(Body::from))
}

fn stalled() -> Request<Body> {
    from_peer(genuine(&provider::github()).map(|_| Body::new(Scripted::stalled("{"))))
}

/// Panics if it is called without having been ready.
#[derive(Debug, Default)]
struct Strict {
    ready: bool,
    calls: Calls,
}

impl Clone for Strict {
    /// Readiness is not inherited.
    fn clone(&self) -> Self {
        Self {
            ready: false,
            calls: self.calls.clone(),
        }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called without being ready"
        );
        self.calls.add();
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

/// Never ready, and says why.
#[derive(Clone, Debug)]
struct Broken;

impl<B> Service<Request<B>> for Broken {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Ready<Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Err("out of order".into()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        unreachable!("it was never ready")
    }
}

async fn a_stalled_body_holds_nothing<S>(app: S)
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
    S::Error: std::fmt::Debug,
{
    let mut stalled_one = std::pin::pin!(app.clone().oneshot(stalled()));
    tokio::select! {
        biased;
        _ = &mut stalled_one => panic!("a stalled body was answered"),
        answer = app.clone().oneshot(request("1")) => {
            assert_eq!(answer.unwrap().status(), StatusCode::OK);
        }
    }
    // Nor does one that was given up.
    let answer = app.clone().oneshot(request("2")).await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_body_does_not_hold_the_handlers_capacity() {
    let limited = ConcurrencyLimit::new(Strict::default(), 1);
    a_stalled_body_holds_nothing(verify().layer(limited.clone())).await;
    a_stalled_body_holds_nothing(webhook().layer(limited.clone())).await;
    a_stalled_body_holds_nothing(webhook().without_dedup().layer(limited)).await;
}

#[tokio::test]
async fn a_buffer_works_inside() {
    let buffered = Buffer::new(Strict::default(), 1);
    for n in 0..3 {
        let app = verify().layer(buffered.clone());
        let answer = app.oneshot(request(&n.to_string())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let app = webhook().layer(buffered);
    for n in 0..3 {
        let answer = app.clone().oneshot(request(&n.to_string())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

/// As servers do it: clone, make the clone ready, call it.
#[tokio::test]
async fn no_inner_service_is_called_without_having_been_ready() {
    let strict = Strict::default();
    let mut called = 0;
    for layer in [webhook(), webhook().without_dedup()] {
        let mut app = layer.layer(ConcurrencyLimit::new(strict.clone(), 1));
        for id in ["1", "2", "3"] {
            let ready = ServiceExt::<Request<Body>>::ready(&mut app).await;
            let answer = ready.unwrap().call(request(id)).await;
            assert_eq!(answer.unwrap().status(), StatusCode::OK);
            called += 1;
            let clone = app.clone();
            let clone = clone.oneshot(request(&format!("{id}'"))).await;
            assert_eq!(clone.unwrap().status(), StatusCode::OK);
            called += 1;
        }
    }
    assert_eq!(strict.calls.get(), called);
}

#[tokio::test]
async fn an_inner_service_that_fails_to_be_ready_says_so() {
    for id in ["1", "2"] {
        let error = verify().layer(Broken).oneshot(request(id)).await;
        assert_eq!(error.unwrap_err().to_string(), "out of order");
    }
    for layer in [webhook(), webhook().without_dedup()] {
        for id in ["1", "1"] {
            let error = layer.layer(Broken).oneshot(request(id)).await;
            assert_eq!(error.unwrap_err().to_string(), "out of order");
        }
    }
}

/// Nobody who is refused learns anything of what is behind, not even that it
/// is broken.
#[tokio::test]
async fn a_refused_request_never_reaches_the_inner_readiness() {
    let forged = || {
        let mut request = request("1");
        *request.body_mut() = Body::from("forged");
        request
    };
    for layer in [webhook(), webhook().without_dedup()] {
        let answer = layer.layer(Broken).oneshot(forged()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let answer = verify().layer(Broken).oneshot(forged()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_handlers_error_is_passed_on_as_it_is() {
    let failing = service_fn(async |_: Request<VerifiedBody>| {
        Err::<Response<Body>, BoxError>("the handler's own".into())
    });
    let error = verify().layer(failing).oneshot(request("1")).await;
    assert_eq!(error.unwrap_err().to_string(), "the handler's own");
    let app = webhook().layer(failing);
    for _ in 0..2 {
        let error = app.clone().oneshot(request("1")).await;
        assert_eq!(error.unwrap_err().to_string(), "the handler's own");
    }
}

#[tokio::test]
async fn a_response_future_that_is_never_polled_does_nothing() {
    let strict = Strict::default();
    let mut app = webhook().layer(strict.clone());
    drop(app.call(request("1")));
    drop(app.call(from_peer(Request::new(Body::from(Bytes::new())))));
    tokio::task::yield_now().await;
    assert_eq!(strict.calls.get(), 0);
}
