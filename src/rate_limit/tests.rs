//! The layers; [`memory`] tests the limiter alone, [`shared`] layers that ask
//! another.

mod memory;
mod shared;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::body::VerifiedBody;
use crate::client_ip::PeerAddr;
use crate::delivery::Tenant;
use crate::rejection::{DefaultRejectionResponse, Refusals, Rejection, RejectionKind};
use crate::signature::{Grammar, Scheme, Source};
use crate::testing::ManualClock;
use crate::{Clock, ConfigError, Timestamp};

fn clock() -> Arc<ManualClock> {
    let start = Timestamp::from_unix_millis(1_800_000_000_000);
    Arc::new(ManualClock::new(start))
}

/// Moves `clock`, backwards too.
fn step(clock: &ManualClock, millis: i64) {
    let now = clock.now().unix_millis();
    clock.set(Timestamp::from_unix_millis(now + millis));
}

fn limiter(quota: Quota) -> (MemoryRateLimiter, Arc<ManualClock>) {
    let clock = clock();
    let limiter = MemoryRateLimiter::new(quota).with_clock(clock.clone());
    (limiter, clock)
}

fn three_a_minute() -> Quota {
    Quota::per_minute(3).unwrap()
}

// A body that says how the inner service shall end.
type Wish = Option<RejectionKind>;

async fn route(request: Request<Wish>) -> Result<Response<String>, Infallible> {
    Ok(match request.into_body() {
        None => Response::new(String::from("done")),
        Some(kind) => Rejection::new(kind).into_response(&DefaultRejectionResponse),
    })
}

fn from(address: &str, wish: Wish) -> Request<Wish> {
    let mut request = Request::new(wish);
    let peer = SocketAddr::new(address.parse().unwrap(), 4711);
    request.extensions_mut().insert(PeerAddr::new(peer));
    request
}

async fn status<S, B>(service: &S, request: Request<B>) -> StatusCode
where
    S: Service<Request<B>, Response = Response<String>, Error = Infallible> + Clone,
{
    service.clone().oneshot(request).await.unwrap().status()
}

const BAD: Wish = Some(RejectionKind::SignatureMismatch);

#[tokio::test]
async fn e3_failures_are_charged_and_successes_are_not() {
    let (memory, clock) = limiter(three_a_minute());
    let layer = RateLimitLayer::per_caller(three_a_minute()).with_memory(memory);
    let service = layer.layer(service_fn(route));
    let (honest, hostile) = ("192.0.2.1", "192.0.2.2");

    for _ in 0..1000 {
        assert_eq!(status(&service, from(honest, None)).await, StatusCode::OK);
    }
    for _ in 0..3 {
        let answer = status(&service, from(hostile, BAD)).await;
        assert_eq!(answer, StatusCode::UNAUTHORIZED);
    }
    for wish in [BAD, None] {
        let answer = status(&service, from(hostile, wish)).await;
        assert_eq!(answer, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(status(&service, from(honest, None)).await, StatusCode::OK);

    // Refusals are free, so the quota comes back while the flood goes on.
    step(&clock, 20_000);
    assert_eq!(status(&service, from(hostile, None)).await, StatusCode::OK);
}

#[tokio::test]
async fn e3_the_kinds_that_are_charged() {
    let charged = |kind| async move {
        let quota = Quota::per_minute(1).unwrap();
        let service = RateLimitLayer::per_caller(quota).layer(service_fn(route));
        status(&service, from("192.0.2.1", Some(kind))).await;
        status(&service, from("192.0.2.1", None)).await == StatusCode::TOO_MANY_REQUESTS
    };
    for kind in [
        RejectionKind::MissingSignature,
        RejectionKind::TimestampTooOld,
        RejectionKind::BodyTooLarge,
        RejectionKind::BodyTimeout,
        RejectionKind::BodyUnreadable,
    ] {
        assert!(charged(kind).await, "{kind}");
    }
    for kind in [
        RejectionKind::RateLimited,
        RejectionKind::TooManySlowBodies,
        RejectionKind::InFlight,
        RejectionKind::StoreUnavailable,
        RejectionKind::HandlerPanicked,
    ] {
        assert!(!charged(kind).await, "{kind}");
    }
}

#[tokio::test]
async fn e1_a_host_cannot_rotate_through_its_network() {
    let service = RateLimitLayer::per_caller(three_a_minute())
        .with_ipv6_prefix(56)
        .unwrap()
        .layer(service_fn(route));
    for host in 0..3 {
        let address = format!("2001:db8:1:{host:x}::{host:x}");
        status(&service, from(&address, BAD)).await;
    }
    let answer = status(&service, from("2001:db8:1:ff::1", None)).await;
    assert_eq!(answer, StatusCode::TOO_MANY_REQUESTS);
    let answer = status(&service, from("2001:db8:1:100::1", None)).await;
    assert_eq!(answer, StatusCode::OK);

    let layer = RateLimitLayer::per_caller(three_a_minute()).with_ipv6_prefix(65);
    assert!(matches!(
        layer,
        Err(ConfigError::InvalidIpv6Prefix { given: 65 })
    ));
}

#[tokio::test]
async fn a_caller_without_an_address_is_refused() {
    let service = RateLimitLayer::per_caller(three_a_minute()).layer(service_fn(route));
    let response = service.oneshot(Request::new(None)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::AddressUnknown);
    assert!(rejection.detail().is_some());
}

#[tokio::test]
async fn e6_a_refusal_tells_when_to_come_back_and_nothing_else() {
    let quota = Quota::new(1, Duration::from_millis(1)).unwrap();
    let (memory, _clock) = limiter(quota);
    let layer = RateLimitLayer::per_caller(quota).with_memory(memory);
    let service = layer.layer(service_fn(route));
    status(&service, from("192.0.2.1", BAD)).await;

    let response = service.oneshot(from("192.0.2.1", None)).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers().len(), 1);
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    assert_eq!(response.body(), "");
}

fn delivery(provider: &'static str, tenant: Option<&str>) -> Request<VerifiedBody> {
    let scheme = Scheme::token(provider).with_signature(Source::header("x-token"), Grammar::Plain);
    let mut request = VerifiedBody::assume_verified(scheme, Request::new(Bytes::new())).unwrap();
    if let Some(tenant) = tenant {
        request.extensions_mut().insert(Tenant::new(tenant));
    }
    request
}

async fn handler(_: Request<VerifiedBody>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::new()))
}

#[tokio::test]
async fn e4_a_tenant_over_its_quota_leaves_the_others_alone() {
    let layer = RateLimitLayer::per_delivery(three_a_minute()).with_endpoint("billing");
    let service = layer.layer(service_fn(handler));
    for _ in 0..3 {
        let answer = status(&service, delivery("stripe", Some("a"))).await;
        assert_eq!(answer, StatusCode::OK);
    }
    let refused = service
        .clone()
        .oneshot(delivery("stripe", Some("a")))
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    let rejection = refused.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::RateLimited);
    assert_eq!(rejection.provider(), Some("stripe"));

    for request in [
        delivery("stripe", Some("b")),
        delivery("stripe", None),
        delivery("stripe", Some("")),
        delivery("github", Some("a")),
    ] {
        assert_eq!(status(&service, request).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn clones_and_services_of_a_layer_count_together() {
    let layer = RateLimitLayer::per_caller(three_a_minute());
    let services = [
        layer.layer(service_fn(route)),
        layer.clone().layer(service_fn(route)),
        layer.layer(service_fn(route)).clone(),
    ];
    for service in &services {
        status(service, from("192.0.2.1", BAD)).await;
    }
    for service in &services {
        let answer = status(service, from("192.0.2.1", None)).await;
        assert_eq!(answer, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn a_service_without_a_layer_limits_nothing() {
    let none = None::<&RateLimitLayer>;
    let service = RateLimit::optional(
        service_fn(route),
        none,
        Refusals::new(DefaultRejectionResponse),
    );
    for _ in 0..10 {
        let answer = status(&service, Request::new(BAD)).await;
        assert_eq!(answer, StatusCode::UNAUTHORIZED);
    }
    let none = None::<&RateLimitLayer<PerDelivery>>;
    let service = RateLimit::optional(
        service_fn(handler),
        none,
        Refusals::new(DefaultRejectionResponse),
    );
    let answer = status(&service, delivery("stripe", None)).await;
    assert_eq!(answer, StatusCode::OK);

    let layer = RateLimitLayer::per_caller(Quota::per_minute(1).unwrap());
    let teapot = |_: &Rejection| {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response
    };
    let service = RateLimit::optional(service_fn(route), Some(&layer), Refusals::new(teapot));
    status(&service, from("192.0.2.1", BAD)).await;
    let answer = status(&service, from("192.0.2.1", BAD)).await;
    assert_eq!(answer, StatusCode::IM_A_TEAPOT);
}

#[test]
fn layers_and_services_can_be_named_shared_and_shown() {
    fn shareable<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: T) {}
    fn front() -> RateLimitLayer {
        RateLimitLayer::per_caller(three_a_minute())
    }
    fn back() -> RateLimitLayer<PerDelivery> {
        RateLimitLayer::per_delivery(three_a_minute())
    }
    shareable(front());
    shareable(back());
    shareable::<RateLimit<()>>(front().layer(()));
    shareable::<RateLimit<(), PerDelivery>>(back().layer(()));
    shareable(RateKey::caller([192, 0, 2, 1].into()));
    shareable(three_a_minute());
}
