//! What the types promise: to be shared, named, and put where users put
//! layers.

use std::convert::Infallible;
use std::fmt::Debug;

use axum::Router;
use axum::body::Body;
use axum::routing::{any_service, get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_webhook::dedup::{Dedup, DedupLayer};
use tower_webhook::handshake::{HandshakeLayer, HandshakeService, Signed, Unsigned};
use tower_webhook::https::{RequireHttps, RequireHttpsLayer};
use tower_webhook::ip_allowlist::{IpAllowlistLayer, IpAllowlistService};
use tower_webhook::provider;
use tower_webhook::rate_limit::{PerCaller, PerDelivery, RateLimit, RateLimitLayer};
use tower_webhook::rejection::{DefaultRejectionResponse, ProblemDetails};
use tower_webhook::verify::Verify;
use tower_webhook::webhook::Webhook;
use tower_webhook::{
    ConfigError, Delivery, Rejection, RejectionKind, Secret, Secrets, Timestamp, VerifiedBody,
    Verifier, VerifyLayer, WebhookLayer,
};

use crate::support::{BODY, genuine, signer, verifier};

type Inner = BoxCloneSyncService<Request<VerifiedBody>, Response<Body>, Infallible>;

/// Nameable without a type parameter.
fn named() -> WebhookLayer {
    WebhookLayer::new(verifier(&provider::gitlab_token()))
}

fn verify() -> VerifyLayer {
    VerifyLayer::new(verifier(&provider::gitlab_token()))
}

/// A service can be a field.
#[derive(Clone)]
struct Held {
    _whole: Webhook<Inner>,
    _by_hand: Verify<Dedup<Inner>, ProblemDetails>,
}

#[test]
fn layers_and_services_can_be_shared() {
    fn shared<T: Clone + Send + Sync + Debug + 'static>() {}
    fn plain<T: Clone + Send + Sync + 'static>() {}
    fn value<T: Send + Sync + Debug + 'static>() {}

    shared::<WebhookLayer>();
    shared::<WebhookLayer<ProblemDetails>>();
    shared::<VerifyLayer>();
    shared::<DedupLayer>();
    shared::<RequireHttpsLayer>();
    shared::<IpAllowlistLayer>();
    shared::<RateLimitLayer<PerCaller>>();
    shared::<RateLimitLayer<PerDelivery>>();
    shared::<HandshakeLayer<Unsigned>>();
    shared::<HandshakeLayer<Signed>>();

    shared::<Webhook<()>>();
    shared::<Verify<()>>();
    shared::<Dedup<()>>();
    shared::<RequireHttps<(), DefaultRejectionResponse>>();
    shared::<IpAllowlistService<(), DefaultRejectionResponse>>();
    shared::<RateLimit<(), PerCaller, DefaultRejectionResponse>>();
    shared::<HandshakeService<(), Unsigned, DefaultRejectionResponse>>();
    shared::<HandshakeService<(), Signed, DefaultRejectionResponse>>();
    plain::<Held>();

    shared::<Verifier>();
    shared::<Secret>();
    shared::<Secrets>();
    shared::<Timestamp>();
    shared::<Delivery>();
    shared::<VerifiedBody>();
    shared::<Rejection>();
    shared::<RejectionKind>();
    shared::<ConfigError>();
    value::<tower_webhook::store::StoreError>();
}

#[test]
fn response_futures_can_be_sent() {
    fn sent<S>(_: &S)
    where
        S: Service<Request<Body>, Future: Send + Debug + 'static>,
    {
    }
    let inner = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    sent(&named().layer(inner));
    sent(&named().without_dedup().layer(inner));
    sent(&verify().layer(inner));
}

async fn handler(delivery: Delivery, body: Bytes) -> Bytes {
    assert_eq!(delivery.body(), &body);
    body
}

async fn passes(app: Router) {
    let scheme = provider::gitlab_token();
    let answer = app.clone().oneshot(genuine(&scheme).map(Body::from)).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body = axum::body::to_bytes(answer.into_body(), 1000).await;
    assert_eq!(body.unwrap(), BODY);

    let mut forged = genuine(&scheme).map(Body::from);
    forged.headers_mut().clear();
    let answer = app.oneshot(forged).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn layers_go_where_axum_takes_layers() {
    passes(Router::new().route("/hook", post(handler).layer(named()))).await;
    passes(Router::new().route("/hook", post(handler)).layer(named())).await;
    passes(
        Router::new()
            .route("/hook", post(handler))
            .route_layer(named()),
    )
    .await;
    passes(Router::new().fallback(handler).layer(named())).await;
    let inner = Router::new().fallback(handler);
    let service = named().layer(inner);
    passes(Router::new().route("/hook", any_service(service))).await;
}

#[tokio::test]
async fn layers_stack_in_a_service_builder() {
    let stack = ServiceBuilder::new()
        .layer(verify())
        .layer(DedupLayer::in_memory())
        .concurrency_limit(1);
    passes(Router::new().route("/hook", post(handler).layer(stack))).await;

    // A box around the response does not disturb.
    let traced = ServiceBuilder::new()
        .map_request(|request: Request<Body>| request)
        .map_response(|response: Response<Body>| response)
        .layer(axum::middleware::from_fn(
            async |request: axum::extract::Request, next: axum::middleware::Next| {
                next.run(request).await
            },
        ))
        .layer(named());
    passes(Router::new().route("/hook", post(handler).layer(traced))).await;
}

/// What the module docs say for middleware that demands axum's own body.
#[tokio::test]
async fn axums_middleware_goes_inside_after_a_change_of_body() {
    let stack = ServiceBuilder::new()
        .layer(named())
        .map_request(|request: Request<VerifiedBody>| request.map(Body::new))
        .layer(axum::middleware::from_fn(
            async |request: axum::extract::Request, next: axum::middleware::Next| {
                next.run(request).await
            },
        ));
    passes(Router::new().route("/hook", post(handler).layer(stack))).await;
}

/// The rejection is there for whoever logs outside.
#[tokio::test]
async fn layers_outside_find_the_reason() {
    let app = named().layer(Router::new().fallback(handler));
    let answer = app.oneshot(Request::post("/").body(Body::empty()).unwrap());
    let answer = answer.await.unwrap();
    let reason = answer.extensions().get::<Rejection>().unwrap();
    assert_eq!(reason.kind(), RejectionKind::MissingSignature);
    assert_eq!(reason.detail(), Some("x-gitlab-token"));
}

/// Bare hyper, without a framework.
#[test]
fn hypers_own_body_is_taken() {
    fn serves<S>(_: &S)
    where
        S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
    {
    }
    let inner = service_fn(async |request: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(Full::new(request.into_body().into_bytes())))
    });
    let service = named().layer(inner);
    serves(&service);
    serves(&verify().layer(inner));
    let _ = hyper_util::service::TowerToHyperService::new(service);
}

#[tokio::test]
async fn one_layer_serves_several_routes_and_methods_stay_apart() {
    let layer = named();
    let app = Router::new()
        .route("/a", post(handler).layer(layer.clone()))
        .route("/b", post(handler).layer(layer))
        .route("/open", get(async || "open"));
    let signer = signer(&provider::gitlab_token());
    for (path, id) in [("/a", "1"), ("/b", "2")] {
        let request = signer.clone().with_event_id(id).sign(path, BODY);
        let answer = app.clone().oneshot(request.map(Body::from)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let open = Request::get("/open").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(open).await.unwrap().status(), StatusCode::OK);
}
