//! Where the layer goes, and what it demands there.

use std::fmt::Debug;
use std::future::Ready;
use std::task::{Context, Poll};

use axum::routing::post;
use axum::{Json, Router};
use http::Method;
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt;
use tower::{BoxError, ServiceBuilder};
use tower_webhook::observe::{Observe, Verdict};
use tower_webhook::provider;

use super::*;
use crate::support::net::{Server, chunk, head, response, whole};
use crate::support::{genuine, signer};

#[test]
fn types_can_be_shared_and_futures_sent() {
    fn shared<T: Clone + Send + Sync + Debug + 'static>() {}
    fn moved<T: Send + Sync + Unpin + Debug + 'static>() {}
    fn sent<S>(_: &S)
    where
        S: Service<Request<Incoming>, Future: Send + Debug + 'static>,
    {
    }
    shared::<ObserveLayer>();
    shared::<Observe<()>>();
    shared::<Observation>();
    shared::<Verdict>();
    moved::<ObservedBody<Incoming>>();
    moved::<ObservedBody<Body>>();
    let inner = service_fn(async |_: Request<ObservedBody<Incoming>>| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let service = ObserveLayer::new(guard(&provider::github()).0).layer(inner);
    sent(&service);
    let _ = hyper_util::service::TowerToHyperService::new(service);
}

async fn text(body: Bytes) -> Bytes {
    body
}

async fn json(Json(value): Json<serde_json::Value>) -> String {
    value.to_string()
}

async fn delivery(delivery: Option<Delivery>, body: String) -> String {
    assert!(delivery.is_none());
    body
}

fn app(reports: &Reports, scheme: &Scheme) -> Router {
    let layer = || reports.observing(guard(scheme).0);
    let stack = ServiceBuilder::new().layer(layer()).concurrency_limit(1);
    Router::new()
        .route("/text", post(text).layer(layer()))
        .route("/json", post(json).layer(layer()))
        .route("/delivery", post(delivery).layer(layer()))
        .route("/nothing", post(async || "done").layer(layer()))
        .route("/stack", post(text).layer(stack))
        .merge(Router::new().route("/router", post(text)).layer(layer()))
        .merge(
            Router::new()
                .route("/route", post(text))
                .route_layer(layer()),
        )
}

/// Genuine and forged, in one piece and in chunks.
#[tokio::test]
async fn routes_of_axum_answer_as_without_it_over_a_socket() {
    let scheme = provider::github();
    let reports = Reports::default();
    let server = Server::start(app(&reports, &scheme)).await;
    let paths = [
        "/text",
        "/json",
        "/delivery",
        "/nothing",
        "/stack",
        "/router",
        "/route",
    ];
    for path in paths {
        let sent = format!(r#"{{"path":"{path}"}}"#);
        let answer = if path == "/nothing" { "done" } else { &sent };
        let mut genuine = signer(&scheme).sign(path, sent.clone());
        let json = "application/json".parse().unwrap();
        genuine.headers_mut().insert("content-type", json);
        let mut forged = genuine.clone();
        let signature = format!("sha256={}", "0".repeat(64)).parse().unwrap();
        forged
            .headers_mut()
            .insert("x-hub-signature-256", signature);

        let chunked = |request: &Request<Bytes>| {
            let (first, rest) = request.body().split_at(5);
            let head = head(request, &["transfer-encoding: chunked"]);
            [head, chunk(first), chunk(rest), b"0\r\n\r\n".to_vec()].concat()
        };
        for (bytes, verdict) in [
            (whole(&genuine), "accepted"),
            (whole(&genuine), "duplicate"),
            (whole(&forged), "signature_mismatch"),
            (chunked(&genuine), "duplicate"),
            (chunked(&forged), "signature_mismatch"),
        ] {
            let response = server.exchange(bytes).await;
            assert!(response.starts_with("HTTP/1.1 200"), "{path} {response}");
            assert!(response.ends_with(answer), "{path} {response}");
            // A handler that reads no body may answer before it has come.
            let mut reported = reports.take();
            while reported.is_empty() {
                tokio::task::yield_now().await;
                reported = reports.take();
            }
            assert_eq!(reported, [verdict], "{path}");
        }
    }
}

/// Several requests on one connection, with bodies that nobody read.
#[tokio::test]
async fn a_connection_goes_on_after_a_body_that_was_not_read() {
    let scheme = provider::github();
    let reports = Reports::default();
    let server = Server::start(app(&reports, &scheme)).await;
    let mut stream = server.connect().await;
    for id in ["1", "2", "3"] {
        let request = signer(&scheme).with_event_id(id).sign("/nothing", id);
        stream.write_all(&whole(&request)).await.unwrap();
        let answer = response(&mut stream).await;
        assert!(answer.ends_with("done"), "{answer}");
    }
    while reports.0.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(reports.take(), ["accepted"; 3]);
}

/// A sender who leaves, over a socket.
#[tokio::test]
async fn a_handler_ends_with_its_connection() {
    struct Dropped(tokio::sync::mpsc::UnboundedSender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let scheme = provider::github();
    let reports = Reports::default();
    let (guard, store) = guard(&scheme);
    let (drop, mut dropped) = tokio::sync::mpsc::unbounded_channel();
    let (start, mut started) = tokio::sync::mpsc::unbounded_channel();
    let handler = async move |_: Bytes| {
        let _dropped = Dropped(drop.clone());
        start.send(()).unwrap();
        std::future::pending::<()>().await;
    };
    let handler = post(handler).layer(reports.observing(guard.clone()));
    let server = Server::start(Router::new().route("/hook", handler)).await;
    let mut stream = server.connect().await;
    stream.write_all(&whole(&genuine(&scheme))).await.unwrap();
    started.recv().await.unwrap();
    std::mem::drop(stream);
    dropped.recv().await.unwrap();
    guard.handlers().finished().await;
    assert_eq!(reports.take(), ["accepted"]);
    assert!(store.asked(crate::support_dedup::Op::Release) > 0);
}

/// Methods that the guard refuses are the route's to answer.
#[tokio::test]
async fn other_methods_are_answered_by_the_route() {
    let scheme = provider::github();
    let reports = Reports::default();
    let route = Router::new().route("/", axum::routing::any(text));
    let app = route.layer(reports.observing(guard(&scheme).0));
    for method in [Method::GET, Method::OPTIONS, Method::DELETE] {
        let mut request = genuine(&scheme).map(Body::from);
        *request.method_mut() = method;
        *request.uri_mut() = "/".parse().unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(reports.take(), ["method_not_allowed"]);
    }
}

/// Ready after so many times of being asked, and called only then.
#[derive(Debug)]
struct Strict {
    left: usize,
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Ready<Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.left.checked_sub(1) {
            None => Poll::Ready(Err("out of order".into())),
            Some(0) => Poll::Ready(Ok(())),
            Some(left) => {
                self.left = left;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        assert_eq!(std::mem::take(&mut self.left), 1, "not ready");
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

/// The service that was made ready is called, and need not be `Clone`.
#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let scheme = provider::github();
    let mut app = ObserveLayer::new(guard(&scheme).0).layer(Strict { left: 3 });
    let request = genuine(&scheme).map(Body::from);
    let ready = ServiceExt::<Request<Body>>::ready(&mut app).await.unwrap();
    let answer = ready.call(request).await.unwrap();
    assert_eq!(observed(&answer), Some("accepted"));
    let broken = ServiceExt::<Request<Body>>::ready(&mut app).await;
    assert_eq!(broken.unwrap_err().to_string(), "out of order");
}

#[tokio::test]
async fn a_response_future_that_is_never_polled_reports_nothing() {
    let scheme = provider::github();
    let (guard, store) = guard(&scheme);
    let reports = Reports::default();
    let mut app = reports.observing(guard).layer(Strict { left: 1 });
    drop(app.call(genuine(&scheme).map(Body::from)));
    tokio::task::yield_now().await;
    assert!(reports.take().is_empty());
    assert_eq!(store.asked(crate::support_dedup::Op::Claim), 0);
}
