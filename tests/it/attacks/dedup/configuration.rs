//! C25 and its kin: what cannot be configured.

use std::time::Duration;

use tower_webhook::dedup::DedupLayer;
use tower_webhook::{ConfigError, Verifier, WebhookLayer, provider};

use crate::support_dedup::*;

const SECOND: Duration = Duration::from_secs(1);

fn layer() -> WebhookLayer {
    WebhookLayer::new(Verifier::new(provider::stripe(), SECRET).unwrap())
}

#[test]
fn c25_events_must_be_remembered_for_as_long_as_signatures_are_fresh() {
    // Five minutes either way, and the lease.
    let needed = 600 * SECOND + LEASE;
    let with_ttl = |ttl| layer().with_dedup(DedupLayer::in_memory().with_ttl(ttl).unwrap());
    assert_eq!(
        with_ttl(needed - SECOND).unwrap_err(),
        ConfigError::DedupTtlTooShort {
            ttl_seconds: 629,
            needed_seconds: 630,
        }
    );
    assert!(with_ttl(needed).is_ok());
}

#[test]
fn leases_that_contradict_themselves_are_refused() {
    let invalid = |result: Result<DedupLayer, _>| {
        assert!(matches!(result, Err(ConfigError::InvalidLease { .. })));
    };
    let layer = DedupLayer::in_memory;
    invalid(layer().with_lease(Duration::ZERO));
    invalid(layer().with_lease(SECOND - Duration::from_nanos(1)));
    invalid(layer().with_lease(Duration::MAX));
    invalid(layer().with_lease(15 * 60 * SECOND + SECOND));
    invalid(layer().with_ttl(Duration::ZERO));
    invalid(layer().with_ttl(LEASE));
    invalid(layer().with_max_hold(LEASE - SECOND));
    for ok in [
        layer().with_lease(SECOND),
        layer().with_ttl(LEASE + SECOND),
        layer().with_ttl(Duration::MAX),
        layer().with_max_hold(LEASE),
        layer().with_max_hold(Duration::MAX),
    ] {
        assert!(ok.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_do_not_overflow() {
    use http::StatusCode;
    use tower_webhook::store::MemoryStore;

    let calls = std::sync::Arc::default();
    let inner = handler(&calls, async |_, _| {
        tokio::time::sleep(3600 * SECOND).await;
        StatusCode::OK
    });
    let configure = |layer: DedupLayer| {
        let layer = layer.with_max_hold(Duration::MAX).unwrap();
        let layer = layer.with_ttl(Duration::MAX).unwrap();
        layer.with_lease(Duration::MAX / 2).unwrap()
    };
    let memory = MemoryStore::default();
    let receiver = Receiver::build(provider::stripe(), memory, configure, calls, inner);
    let running = receiver.start(receiver.delivery("evt_1")).await;
    receiver
        .send(receiver.delivery("evt_1"))
        .await
        .assert_busy();
    running.await.unwrap().assert_handled(200);
    receiver
        .send(receiver.delivery("evt_1"))
        .await
        .assert_duplicate();
}
