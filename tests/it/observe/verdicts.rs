//! What is said of a request is what the guard does when it is in force.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response};
use tower_webhook::client_ip::PeerAddr;
use tower_webhook::dedup::Duplicate;
use tower_webhook::handshake::Answered;
use tower_webhook::ip_allowlist::IpAllowlist;
use tower_webhook::rate_limit::Quota;
use tower_webhook::signature::{ConflictPolicy, Scheme};
use tower_webhook::testing::Signer;
use tower_webhook::{Rejection, VerifiedBody, WebhookLayer, provider};

use super::*;
use crate::support::{BODY, OTHER_SECRET, genuine, schemes, signer};
use crate::support_dedup::{Fault, Op};

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The same guard in force, with a store of its own.
fn enforced(
    guard: WebhookLayer,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone {
    guard.layer(service_fn(async |request: Request<VerifiedBody>| {
        Ok(Response::new(Body::from(request.into_body().into_bytes())))
    }))
}

fn verdict(response: &Response<Body>) -> &'static str {
    let extensions = response.extensions();
    match extensions.get::<Rejection>() {
        Some(rejection) => rejection.kind().as_str(),
        None if extensions.get::<Duplicate>().is_some() => "duplicate",
        None if extensions.get::<Answered>().is_some() => "challenge",
        None => "accepted",
    }
}

fn forged(scheme: &Scheme) -> Request<Bytes> {
    let signer = Signer::new(scheme.clone(), OTHER_SECRET).unwrap();
    signer.at(NOW).sign("/hook", BODY)
}

fn from_peer(mut request: Request<Bytes>) -> Request<Bytes> {
    request.extensions_mut().insert(PeerAddr::new(PEER));
    request
}

/// A genuine request, some that are not, and the genuine one again.
fn requests(scheme: &Scheme) -> Vec<Request<Bytes>> {
    let mut unsigned = genuine(scheme);
    unsigned.headers_mut().clear();
    let mut repeated = genuine(scheme);
    for (name, value) in genuine(scheme).headers() {
        repeated.headers_mut().append(name, value.clone());
    }
    let mut by_get = genuine(scheme);
    *by_get.method_mut() = Method::GET;
    let at = |seconds| {
        let at = tower_webhook::Timestamp::from_unix_seconds(seconds);
        let body = BODY.replace("1700000000000", &at.unix_millis().to_string());
        signer(scheme).at(at).sign("/hook", body)
    };
    vec![
        forged(scheme),
        unsigned,
        repeated,
        by_get,
        at(1_600_000_000),
        at(4_000_000_000),
        genuine(scheme).map(|_| Bytes::from_static(b"altered")),
        signer(scheme).sign("/hook", vec![b' '; 2000]),
        genuine(scheme),
        genuine(scheme),
    ]
}

#[tokio::test]
async fn every_verdict_is_that_of_the_guard_in_force() {
    type Configure = fn(WebhookLayer) -> WebhookLayer;
    let configurations: [Configure; 7] = [
        |guard| guard,
        |guard| guard.without_dedup(),
        |guard| guard.with_required_https(),
        |guard| guard.with_allowlist(IpAllowlist::new(["192.0.2.1"]).unwrap()),
        |guard| guard.with_allowlist(IpAllowlist::new(["127.0.0.1"]).unwrap()),
        |guard| guard.with_caller_limit(Quota::new(3, DAY).unwrap()),
        |guard| guard.with_delivery_limit(Quota::new(1, DAY).unwrap()),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for scheme in schemes() {
        for configure in configurations {
            let configure = |guard| configure(guard).with_max_body(1000).unwrap();
            let live = Live::with(&scheme, configure, echo);
            let enforced = enforced(configure(guard(&scheme).0));
            for (m, request) in requests(&scheme).into_iter().enumerate() {
                // Some come without an address.
                let request = if m == 3 { request } else { from_peer(request) };
                let answer = enforced.clone().oneshot(request.clone().map(Body::from));
                let expected = verdict(&answer.await.unwrap());
                live.handles(request, expected).await;
                seen.insert(expected);
            }
        }
    }
    for kind in [
        "accepted",
        "duplicate",
        "method_not_allowed",
        "insecure_transport",
        "address_unknown",
        "address_not_allowed",
        "rate_limited",
        "missing_signature",
        "repeated_signature_header",
        "timestamp_too_old",
        "timestamp_in_future",
        "signature_mismatch",
        "body_too_large",
        "missing_event_id",
    ] {
        assert!(seen.contains(kind), "{kind} in {seen:?}");
    }
}

#[tokio::test]
async fn a_conflict_is_reported_and_handled() {
    let scheme = provider::standard_webhooks().with_conflict(ConflictPolicy::Reject);
    let live = Live::new(&scheme);
    live.handles(genuine(&scheme), "accepted").await;
    let other = signer(&scheme).sign("/hook", "{}");
    live.handles(other, "event_conflict").await;
    live.handles(genuine(&scheme), "duplicate").await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_or_hangs_is_reported_and_disturbs_nobody() {
    let scheme = provider::stripe();
    let live = Live::new(&scheme);
    live.store.break_all(Fault::Fails);
    live.handles(genuine(&scheme), "store_unavailable").await;
    live.store.break_all(Fault::Panics);
    live.handles(genuine(&scheme), "store_unavailable").await;

    // The answer does not wait for what the store never says.
    live.store.break_all(Fault::Hangs);
    let started = tokio::time::Instant::now();
    let response = live.send(genuine(&scheme)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(observed(&response), None);
    assert!(live.reports.take().is_empty());
    live.finished().await;
    assert_eq!(live.reports.take(), ["store_unavailable"]);

    live.store.heal();
    live.store.break_next(Op::Complete, Fault::Fails, 1);
    live.handles(genuine(&scheme), "accepted").await;
    live.finished().await;
    live.handles(genuine(&scheme), "duplicate").await;
}

/// Somebody else may answer sooner than the store.
#[tokio::test(start_paused = true)]
async fn a_verdict_that_comes_after_the_answer_is_reported() {
    let scheme = provider::stripe();
    let live = Live::new(&scheme);
    let slow = Fault::Slow(Duration::from_secs(1));
    live.store.break_next(Op::Claim, slow, 1);
    let response = live.send(genuine(&scheme)).await;
    assert_eq!(observed(&response), None);
    live.finished().await;
    assert_eq!(live.reports.take(), ["accepted"]);
    live.handles(genuine(&scheme), "duplicate").await;
}
