//! E: floods.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, header};
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_webhook::client_ip::PeerAddr;
use tower_webhook::delivery::Tenant;
use tower_webhook::rate_limit::{
    LimiterError, LimiterFuture, MemoryRateLimiter, Quota, RateKey, RateLimitLayer, RateLimiter,
};
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::{RejectionKind, WebhookLayer, provider};

use crate::support_dedup::*;

fn from(peer: &str, mut request: Incoming) -> Incoming {
    let peer = SocketAddr::new(peer.parse().unwrap(), 443);
    request.extensions_mut().insert(PeerAddr::new(peer));
    request
}

fn forged() -> Incoming {
    let signer = Signer::new(provider::stripe(), "another").unwrap();
    signer.at(NOW).sign("/hook", "{}").map(Full::new)
}

/// `receiver` behind another layer.
fn behind(receiver: Receiver, layer: WebhookLayer) -> Receiver {
    let inner = handler(&receiver.calls, async |_, _| StatusCode::OK);
    Receiver {
        service: layer.layer(inner),
        layer,
        ..receiver
    }
}

fn limited(limit: RateLimitLayer) -> Receiver {
    let receiver = Receiver::new(provider::stripe());
    let layer = receiver.layer.clone().with_caller_limit_layer(limit);
    behind(receiver, layer)
}

fn per_minute(failures: u32) -> Quota {
    Quota::per_minute(failures).unwrap()
}

#[tokio::test]
async fn e1_the_addresses_of_one_network_are_one_caller() {
    let receiver = limited(RateLimitLayer::per_caller(per_minute(3)));
    for host in 0..3 {
        let peer = format!("2001:db8:1:2::{host:x}");
        let answer = receiver.send(from(&peer, forged())).await;
        answer.assert_refused(401, RejectionKind::SignatureMismatch);
    }
    for host in 3..20 {
        let peer = format!("2001:db8:1:2:{host:x}::");
        let answer = receiver.send(from(&peer, forged())).await;
        answer.assert_refused(429, RejectionKind::RateLimited);
    }
    let neighbour = receiver.delivery("evt_1");
    let answer = receiver.send(from("2001:db8:1:3::1", neighbour)).await;
    answer.assert_handled(200);
}

/// More callers than there is memory for: whoever has a bucket keeps it, and a
/// caller without one is not refused for what the others did.
#[tokio::test]
async fn e2_a_flood_of_addresses_is_bounded() {
    let limiter = MemoryRateLimiter::new(per_minute(2));
    let limiter = limiter.with_max_keys(16).unwrap();
    let receiver = limited(RateLimitLayer::per_caller(per_minute(2)).with_memory(limiter));
    let peer = |n: u32| format!("198.51.{}.{}", n / 256, n % 256);
    for n in 0..2000 {
        let answer = receiver.send(from(&peer(n), forged())).await;
        answer.assert_refused(401, RejectionKind::SignatureMismatch);
    }
    let delivery = receiver.delivery("evt_1");
    let answer = receiver.send(from("203.0.113.7", delivery)).await;
    answer.assert_handled(200);
    // Those who were there first have a failure left, and then none.
    for n in 0..16 {
        let answer = receiver.send(from(&peer(n), forged())).await;
        answer.assert_refused(401, RejectionKind::SignatureMismatch);
        let answer = receiver.send(from(&peer(n), forged())).await;
        answer.assert_refused(429, RejectionKind::RateLimited);
    }
}

#[tokio::test]
async fn e3_only_failures_count() {
    let receiver = limited(RateLimitLayer::per_caller(per_minute(5)));
    let (attacker, provider) = ("198.51.100.1", "203.0.113.7");
    // A burst of the provider's costs nothing.
    for event in 0..50 {
        let delivery = receiver.delivery(&format!("evt_{event}"));
        let answer = receiver.send(from(provider, delivery)).await;
        answer.assert_handled(200);
        let again = receiver.delivery(&format!("evt_{event}"));
        receiver
            .send(from(provider, again))
            .await
            .assert_duplicate();
    }
    for attempt in 0..50 {
        let answer = receiver.send(from(attacker, forged())).await;
        match attempt {
            0..5 => answer.assert_refused(401, RejectionKind::SignatureMismatch),
            _ => answer.assert_refused(429, RejectionKind::RateLimited),
        }
    }
    let delivery = receiver.delivery("evt_50");
    let answer = receiver.send(from(provider, delivery)).await;
    answer.assert_handled(200);
    receiver.assert_calls(51);
}

/// A failing handler is not the caller's failure.
#[tokio::test]
async fn e3_a_failing_handler_is_not_charged() {
    let receiver = limited(RateLimitLayer::per_caller(per_minute(1)));
    let inner = handler(&receiver.calls, async |_, _| StatusCode::UNAUTHORIZED);
    let service = receiver.layer.layer(inner);
    let receiver = Receiver {
        service,
        ..receiver
    };
    for _ in 0..5 {
        let delivery = receiver.delivery("evt_1");
        let answer = receiver.send(from("203.0.113.7", delivery)).await;
        answer.assert_handled(401);
    }
}

#[tokio::test]
async fn e4_a_busy_tenant_does_not_starve_the_others() {
    for status in [503, 429] {
        let overload = StatusCode::from_u16(status).unwrap();
        let receiver = Receiver::new(provider::stripe().with_overload_status(overload));
        let layer = receiver.layer.clone().with_delivery_limit(per_minute(3));
        let receiver = behind(receiver, layer);
        let deliver = async |tenant: &'static str, event: usize| {
            let mut delivery = receiver.delivery(&format!("evt_{event}"));
            delivery.extensions_mut().insert(Tenant::new(tenant));
            receiver.send(delivery).await
        };
        for event in 0..10 {
            let answer = deliver("noisy", event).await;
            match event {
                0..3 => answer.assert_handled(200),
                _ => answer.assert_refused(status, RejectionKind::RateLimited),
            }
        }
        deliver("quiet", 0).await.assert_handled(200);
        // What was refused left no row: it is new when it comes again.
        receiver.assert_rows(4);
    }
}

#[derive(Debug)]
struct Down;

impl RateLimiter for Down {
    fn check(&self, _: RateKey) -> LimiterFuture {
        LimiterFuture::ready(Err(LimiterError::new("down")))
    }

    fn charge(&self, _: RateKey) -> LimiterFuture {
        LimiterFuture::boxed(async { Err(LimiterError::new("down")) })
    }
}

#[tokio::test]
async fn e5_a_limiter_that_is_down_is_replaced_by_a_local_one() {
    let limit = RateLimitLayer::per_caller(per_minute(2)).with_limiter(Arc::new(Down));
    let receiver = limited(limit);
    let limit = RateLimitLayer::per_delivery(per_minute(2)).with_limiter(Arc::new(Down));
    let layer = receiver.layer.clone().with_delivery_limit_layer(limit);
    let receiver = behind(receiver, layer);
    for attempt in 0..4 {
        let answer = receiver.send(from("198.51.100.1", forged())).await;
        assert_eq!(answer.status, if attempt < 2 { 401 } else { 429 });
    }
    for event in 0..4 {
        let delivery = receiver.delivery(&format!("evt_{event}"));
        let answer = receiver.send(from("203.0.113.7", delivery)).await;
        assert_eq!(answer.status, if event < 2 { 200 } else { 503 });
    }
    receiver.assert_calls(2);
}

#[tokio::test]
async fn e6_refusals_say_when_to_come_again_and_no_more() {
    let quota = Quota::new(1, Duration::from_millis(10_500)).unwrap();
    let receiver = limited(RateLimitLayer::per_caller(quota));
    let layer = receiver
        .layer
        .clone()
        .with_delivery_limit(Quota::per_second(1000).unwrap());
    let receiver = behind(receiver, layer.with_delivery_limit(per_minute(1)));
    receiver.send(from("198.51.100.1", forged())).await;
    let delivery = |event: &str| from("203.0.113.7", receiver.delivery(event));
    receiver.send(delivery("evt_1")).await.assert_handled(200);
    for request in [from("198.51.100.1", forged()), delivery("evt_2")] {
        let response = receiver.service.clone().oneshot(request).await.unwrap();
        let after = response.headers()[header::RETRY_AFTER].to_str().unwrap();
        assert!((1..=60).contains(&after.parse::<u64>().unwrap()), "{after}");
        assert_eq!(response.headers().len(), 1, "{:?}", response.headers());
        assert_eq!(response.body(), "");
    }
}

#[tokio::test]
async fn e7_a_clock_that_is_set_back_locks_nobody_out() {
    let clock = Arc::new(ManualClock::new(NOW));
    let limiter = MemoryRateLimiter::new(per_minute(2)).with_clock(Arc::clone(&clock) as _);
    let receiver = limited(RateLimitLayer::per_caller(per_minute(2)).with_memory(limiter));
    let fail = async || receiver.send(from("198.51.100.1", forged())).await.status;
    assert_eq!([fail().await, fail().await, fail().await], [401, 401, 429]);
    for back in [1, 3600, 1_600_000_000] {
        clock.set(NOW.saturating_sub(Duration::from_secs(back)));
        assert!(matches!(fail().await, 401 | 429));
        clock.advance(Duration::from_secs(60));
        assert_eq!(fail().await, 401, "after at most one period");
        clock.advance(Duration::from_secs(60));
        assert_eq!([fail().await, fail().await, fail().await], [401, 401, 429]);
    }
}
