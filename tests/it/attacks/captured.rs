//! B: captured requests, sent again.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use tower_webhook::signature::Scheme;
use tower_webhook::store::MemoryStore;
use tower_webhook::testing::ManualClock;
use tower_webhook::{Clock, RejectionKind, Timestamp, provider};

use crate::support_dedup::*;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn b1_an_exact_replay_is_a_duplicate() {
    let receiver = Receiver::new(provider::stripe());
    let captured = receiver.delivery("evt_1");
    receiver.send(captured.clone()).await.assert_handled(200);
    for _ in 0..3 {
        receiver.send(captured.clone()).await.assert_duplicate();
    }
    // To the last second of the tolerance; after it, the store is not asked.
    receiver.clock.advance(Duration::from_secs(300));
    receiver.send(captured.clone()).await.assert_duplicate();
    let asked = receiver.store.asked(Op::Claim);
    receiver.clock.advance(Duration::from_secs(1));
    let stale = receiver.send(captured).await;
    stale.assert_refused(401, RejectionKind::TimestampTooOld);
    assert_eq!(receiver.store.asked(Op::Claim), asked);
    receiver.assert_calls(1);
    receiver.assert_rows(1);
}

/// The wall clock steps while a handler runs: leases do not follow it.
#[tokio::test(start_paused = true)]
async fn b8_a_step_of_the_wall_clock_ends_no_lease() {
    for step in [NOW.saturating_sub(HOUR), NOW.saturating_add(HOUR)] {
        let receiver = Receiver::with_handler(provider::stripe(), async |_, _| {
            tokio::time::sleep(Duration::from_secs(100)).await;
            StatusCode::OK
        });
        let running = receiver.start(receiver.delivery("evt_1")).await;
        receiver.clock.set(step);
        for _ in 0..3 {
            receiver
                .send(receiver.delivery("evt_1"))
                .await
                .assert_busy();
            tokio::time::sleep(LEASE).await;
        }
        running.await.unwrap().assert_handled(200);
        receiver
            .send(receiver.delivery("evt_1"))
            .await
            .assert_duplicate();
        receiver.assert_calls(1);
    }
}

/// Even where the store's own clock steps back, nothing runs twice.
#[tokio::test(start_paused = true)]
async fn b8_a_step_back_of_the_stores_clock_makes_no_second_claim() {
    let calls = Arc::default();
    let inner = handler(&calls, async |_, _| {
        tokio::time::sleep(Duration::from_secs(25)).await;
        StatusCode::OK
    });
    let clock = Arc::new(ManualClock::new(NOW));
    let memory = MemoryStore::default().with_clock(Arc::clone(&clock) as _);
    let receiver = Receiver::build(provider::stripe(), memory, |layer| layer, calls, inner);
    let running = receiver.start(receiver.delivery("evt_1")).await;
    clock.set(NOW.saturating_sub(HOUR));
    receiver
        .send(receiver.delivery("evt_1"))
        .await
        .assert_busy();
    running.await.unwrap().assert_handled(200);
    receiver
        .send(receiver.delivery("evt_1"))
        .await
        .assert_duplicate();
    receiver.assert_calls(1);
}

#[tokio::test]
async fn b9_a_retry_days_later_is_a_duplicate() {
    let calls = Arc::default();
    let inner = handler(&calls, async |_, _| StatusCode::OK);
    let clock = Arc::new(ManualClock::new(NOW));
    let memory = MemoryStore::default().with_clock(Arc::clone(&clock) as _);
    let receiver = Receiver::build(provider::stripe(), memory, |layer| layer, calls, inner);
    receiver
        .send(receiver.delivery("evt_1"))
        .await
        .assert_handled(200);
    for _ in 0..3 {
        clock.advance(24 * HOUR);
        receiver.clock.set(clock.now());
        let signed_anew = receiver.delivery("evt_1");
        receiver.send(signed_anew).await.assert_duplicate();
    }
    receiver.assert_calls(1);
    receiver.assert_rows(1);
}

/// Schemes whose id is not signed, with the header that holds it.
fn with_unsigned_ids() -> [(Scheme, &'static str); 4] {
    [
        (provider::github(), "x-github-delivery"),
        (provider::linear(), "linear-delivery"),
        (provider::shopify(), "shopify-webhook-id"),
        (provider::box_com(), "box-delivery-id"),
    ]
}

/// Linear has its timestamp in the body.
fn body(receiver: &Receiver, text: &str) -> String {
    let now = receiver.clock.now().unix_millis();
    format!(r#"{{"webhookTimestamp":{now},"x":"{text}"}}"#)
}

#[tokio::test]
async fn b10_a_replay_under_another_id_is_a_duplicate() {
    for (scheme, header) in with_unsigned_ids() {
        let name = scheme.name().to_owned();
        let receiver = Receiver::new(scheme);
        let captured = receiver.delivery_with("evt_1", &body(&receiver, "a"));
        receiver.send(captured.clone()).await.assert_handled(200);
        for id in ["evt_2", "evt_3", "EVT_1", "evt_1"] {
            let mut replay = captured.clone();
            replay.headers_mut().insert(header, id.parse().unwrap());
            receiver.send(replay).await.assert_duplicate();
        }
        receiver.assert_calls(1);
        // No trace of the ids that were made up.
        receiver.assert_rows(2);

        // An id that was made up for a replay is not taken from its owner.
        let genuine = receiver.delivery_with("evt_2", &body(&receiver, "b"));
        receiver.send(genuine).await.assert_handled(200);
        receiver.assert_calls(2);
        assert!(!name.is_empty());
    }
}

/// B11: a missing id is never a way around deduplication.
#[tokio::test]
async fn b11_a_replay_without_an_id_is_refused() {
    for (scheme, header) in with_unsigned_ids() {
        let receiver = Receiver::new(scheme);
        let captured = receiver.delivery_with("evt_1", &body(&receiver, "a"));
        receiver.send(captured.clone()).await.assert_handled(200);
        let mut replay = captured.clone();
        replay.headers_mut().remove(header);
        let answer = receiver.send(replay).await;
        answer.assert_refused(400, RejectionKind::MissingEventId);
        receiver.assert_calls(1);
        receiver.assert_rows(2);
    }
}

/// Where a provider leaves the id out at times, taking it away helps nobody.
#[tokio::test]
async fn b11_a_replay_without_an_optional_id_is_a_duplicate() {
    let header = "x-github-delivery";
    let source = tower_webhook::signature::Source::header(header);
    let receiver = Receiver::new(provider::github().with_optional_event_id([source]));
    let captured = receiver.delivery_with("evt_1", "{}");
    receiver.send(captured.clone()).await.assert_handled(200);
    let mut replay = captured.clone();
    replay.headers_mut().remove(header);
    receiver.send(replay).await.assert_duplicate();
    receiver.assert_calls(1);
}

/// The other direction: bytes that a provider sent for an event that was done
/// by then are not free for use under another id, for as long as they are fresh.
#[tokio::test(start_paused = true)]
async fn b10_a_retry_that_was_a_duplicate_cannot_be_replayed() {
    for (scheme, header) in [
        (provider::linear(), "linear-delivery"),
        (provider::box_com(), "box-delivery-id"),
    ] {
        let receiver = Receiver::new(scheme);
        let first = receiver.delivery_with("evt_1", &body(&receiver, "a"));
        receiver.send(first).await.assert_handled(200);

        receiver.clock.advance(Duration::from_secs(10));
        let retry = receiver.delivery_with("evt_1", &body(&receiver, "a"));
        receiver.send(retry.clone()).await.assert_duplicate();
        let mut replay = retry;
        replay
            .headers_mut()
            .insert(header, "evt_2".parse().unwrap());
        receiver.send(replay.clone()).await.assert_busy();
        tokio::time::sleep(Duration::from_secs(45)).await;
        receiver.clock.advance(Duration::from_secs(45));
        receiver.send(replay).await.assert_busy();
        receiver.assert_calls(1);
        receiver.assert_rows(3);
    }
}

/// Nor does it make an event done that has not been processed: the bytes of one
/// whose handler failed, under the id of another that is done.
#[tokio::test(start_paused = true)]
async fn b10_a_captured_event_that_failed_is_not_lost_under_the_id_of_another() {
    for (scheme, header) in with_unsigned_ids() {
        let window = scheme.freshness_window();
        let receiver = Receiver::with_handler(scheme, async |attempt, _| match attempt {
            2 => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::OK,
        });
        let other = receiver.delivery_with("evt_1", &body(&receiver, "other"));
        receiver.send(other).await.assert_handled(200);
        let payment = receiver.delivery_with("evt_2", &body(&receiver, "payment"));
        receiver.send(payment.clone()).await.assert_handled(500);

        let mut captured = payment.clone();
        captured
            .headers_mut()
            .insert(header, "evt_1".parse().unwrap());
        receiver.send(captured).await.assert_duplicate();

        receiver.send(payment.clone()).await.assert_busy();
        let held = window.max(LEASE);
        tokio::time::sleep(held).await;
        let retry = match window.is_zero() {
            true => payment,
            false => {
                receiver.clock.advance(held);
                receiver.delivery_with("evt_2", &body(&receiver, "payment"))
            }
        };
        receiver.send(retry).await.assert_handled(200);
        receiver.assert_calls(3);
    }
}

/// And of one that came while the first was still running.
#[tokio::test(start_paused = true)]
async fn b10_a_retry_that_was_too_early_cannot_be_replayed() {
    for (scheme, header) in [
        (provider::linear(), "linear-delivery"),
        (provider::box_com(), "box-delivery-id"),
    ] {
        let receiver = Receiver::with_handler(scheme, async |_, _| {
            tokio::time::sleep(Duration::from_secs(100)).await;
            StatusCode::OK
        });
        let first = receiver.delivery_with("evt_1", &body(&receiver, "a"));
        let running = receiver.start(first).await;

        receiver.clock.advance(Duration::from_secs(10));
        let retry = receiver.delivery_with("evt_1", &body(&receiver, "a"));
        receiver.send(retry.clone()).await.assert_busy();
        let mut replay = retry;
        replay
            .headers_mut()
            .insert(header, "evt_2".parse().unwrap());
        receiver.send(replay.clone()).await.assert_busy();
        // For as long as it is fresh.
        tokio::time::sleep(Duration::from_secs(50)).await;
        receiver.clock.advance(Duration::from_secs(50));
        receiver.send(replay).await.assert_busy();
        running.await.unwrap().assert_handled(200);
        receiver.assert_calls(1);
    }
}

/// Box signs with two keys. Whoever replays may leave one signature out.
#[tokio::test]
async fn b10_a_replay_with_one_of_two_signatures_is_a_duplicate() {
    let (primary, secondary) = ("box-signature-primary", "box-signature-secondary");
    let signed_by = |secret: &str| {
        let signer = tower_webhook::testing::Signer::new(provider::box_com(), secret).unwrap();
        signer.at(NOW).with_event_id("evt_1").sign("/hook", "{}")
    };
    let mut captured = signed_by(SECRET);
    let second = signed_by("another").headers()[primary].clone();
    captured.headers_mut().insert(secondary, second);
    let captured = captured.map(Full::new);

    let secrets = tower_webhook::Secrets::from([SECRET, "another"]);
    let verifier = tower_webhook::Verifier::new(provider::box_com(), secrets).unwrap();
    for left_out in [primary, secondary] {
        let base = Receiver::new(provider::box_com());
        let layer = tower_webhook::WebhookLayer::new(verifier.clone())
            .with_clock(Arc::clone(&base.clock) as _)
            .with_store(Arc::clone(&base.store) as _)
            .unwrap();
        let inner = handler(&base.calls, async |_, _| StatusCode::OK);
        let service = tower::Layer::layer(&layer, inner);
        let receiver = Receiver {
            service,
            layer,
            ..base
        };

        receiver.send(captured.clone()).await.assert_handled(200);
        let mut replay = captured.clone();
        replay
            .headers_mut()
            .remove(HeaderName::from_static(left_out));
        receiver.send(replay.clone()).await.assert_duplicate();
        let id = "evt_2".parse().unwrap();
        replay.headers_mut().insert("box-delivery-id", id);
        receiver.send(replay).await.assert_duplicate();
        receiver.assert_calls(1);
        receiver.assert_rows(2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// B13: the key is a function of what was verified, and of nothing else.
    #[test]
    fn b13_headers_that_are_not_signed_do_not_change_the_event(
        values in proptest::collection::vec("[!-~]{0,20}", 4),
        seconds in 0..300_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for scheme in [provider::stripe(), provider::slack(), provider::github()] {
                let receiver = Receiver::new(scheme);
                let captured = receiver.delivery_with("evt_1", r#"{"id":"evt_1","event_id":"E"}"#);
                receiver.send(captured.clone()).await.assert_handled(200);
                receiver.clock.set(Timestamp::from_unix_seconds(NOW.unix_seconds()));
                receiver.clock.advance(Duration::from_secs(seconds));
                let mut copy = captured;
                let names = ["user-agent", "x-request-id", "idempotency-key", "x-github-event"];
                for (name, value) in names.into_iter().zip(&values) {
                    copy.headers_mut().insert(name, value.parse().unwrap());
                }
                *copy.uri_mut() = format!("/hook?{}", values[0].replace(['"', '<', '>', '\\', '^', '`', '{', '|', '}', '#'], "")).parse().unwrap();
                receiver.send(copy).await.assert_duplicate();
                receiver.assert_calls(1);
            }
        });
    }
}
