use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::client_ip::{ClientIp, PeerAddr, TlsConnection, TrustedProxies};
use crate::rejection::{DefaultRejectionResponse, Refusals, Rejection, RejectionKind};

async fn handle<B>(_: Request<B>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::from("processed")))
}

/// F15: a body that must not be looked at.
#[derive(Debug)]
struct Untouched;

async fn status(layer: RequireHttpsLayer, request: Request<Untouched>) -> StatusCode {
    let service = layer.layer(service_fn(handle));
    service.oneshot(request).await.unwrap().status()
}

fn proxied(peer: &str) -> Request<Untouched> {
    Request::post("https://example.com/hooks")
        .extension(PeerAddr::new(peer.parse().unwrap()))
        .header("x-forwarded-for", "203.0.113.7")
        .header("x-forwarded-proto", "https")
        .body(Untouched)
        .unwrap()
}

fn behind_proxy() -> ClientIp {
    ClientIp::behind(TrustedProxies::x_forwarded_for(["10.0.0.0/8"]).unwrap())
}

#[tokio::test]
async fn only_a_marked_connection_or_a_trusted_proxy_counts() {
    let mut tls = Request::new(Untouched);
    tls.extensions_mut().insert(TlsConnection::new());
    assert_eq!(status(RequireHttpsLayer::new(), tls).await, StatusCode::OK);

    let layer = RequireHttpsLayer::new().with_client_ip(behind_proxy());
    let request = proxied("10.0.0.1:443");
    assert_eq!(status(layer.clone(), request).await, StatusCode::OK);

    // The scheme in the URI is the sender's word, and so are these headers.
    for (layer, peer) in [
        (layer, "203.0.113.7:443"),
        (RequireHttpsLayer::new(), "10.0.0.1:443"),
    ] {
        assert_eq!(status(layer, proxied(peer)).await, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_refusal_says_why_to_the_operator() {
    let service = RequireHttpsLayer::new()
        .with_rejection_response(|rejection: &Rejection| {
            let mut response = Response::new(rejection.kind().to_string());
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
            response
        })
        .layer(service_fn(handle));
    let response = service.oneshot(Request::new(Untouched)).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::InsecureTransport);
    assert_eq!(
        rejection.detail(),
        Some("the connection is not marked as TLS")
    );
    assert_eq!(response.body(), "insecure_transport");
}

#[tokio::test]
async fn without_a_configuration_everything_passes() {
    let service = RequireHttps::new(
        service_fn(handle),
        None,
        Refusals::new(DefaultRejectionResponse),
    );
    let response = service.oneshot(Request::new(Untouched)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let limited = ConcurrencyLimit::new(service_fn(handle::<Untouched>), 1);
    let mut first = RequireHttpsLayer::new().layer(limited);
    let mut second = first.clone();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(matches!(first.poll_ready(&mut cx), Poll::Ready(Ok(()))));
    assert!(second.poll_ready(&mut cx).is_pending());
}

#[tokio::test]
async fn an_axum_router_takes_it_and_marks_its_connections_with_an_extension() {
    let router = axum::Router::new()
        .route("/hooks", axum::routing::post(async || "processed"))
        .layer(RequireHttpsLayer::new());
    let status = async |router: axum::Router| {
        let request = Request::post("/hooks").body(axum::body::Body::empty());
        router.oneshot(request.unwrap()).await.unwrap().status()
    };
    assert_eq!(status(router.clone()).await, StatusCode::FORBIDDEN);
    let tls_only = router.layer(axum::Extension(TlsConnection::new()));
    assert_eq!(status(tls_only).await, StatusCode::OK);
}

#[test]
fn types_fit_into_a_router() {
    fn check<T: Clone + std::fmt::Debug + Send + Sync + 'static>(_: &T) {}
    fn named() -> RequireHttpsLayer {
        RequireHttpsLayer::new()
    }
    check(&named());
    check::<RequireHttps<()>>(&named().layer(()));
    fn future<T: std::fmt::Debug + Send + Sync + 'static>() {}
    future::<ResponseFuture<std::future::Ready<Result<Response<String>, Infallible>>>>();
}
