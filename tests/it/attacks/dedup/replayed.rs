//! The second row of an event whose id is not signed, when the event itself
//! was known already: other bytes came under its id.

use std::time::Duration;

use http::StatusCode;
use tower_webhook::dedup::{DedupLayer, Lease};
use tower_webhook::signature::{ConflictPolicy, EventId};
use tower_webhook::store::MemoryStore;
use tower_webhook::{Clock, ConfigError, RejectionKind, provider};

use crate::support_dedup::*;

const FIRST: &str = "{}";
const SECOND: &str = r#"{"attempt":2}"#;

/// B10 for bytes that could not be held at first: they are later, for as long as
/// they are fresh, and who captured them finds them held.
#[tokio::test(start_paused = true)]
async fn b10_a_second_attempt_is_held_although_the_store_failed() {
    for fault in [Fault::Fails, Fault::Hangs, Fault::LosesReply, Fault::Panics] {
        let receiver = Receiver::new(provider::linear());
        let body = |attempt: u8| {
            let now = receiver.clock.now().unix_millis();
            format!(r#"{{"webhookTimestamp":{now},"attempt":{attempt}}}"#)
        };
        let first = receiver.delivery_with("evt_1", &body(1));
        receiver.send(first).await.assert_handled(200);
        receiver.store.break_next(Op::Renew, fault, 2);
        let second = receiver.delivery_with("evt_1", &body(2));
        receiver.send(second.clone()).await.assert_duplicate();
        receiver.finished().await;
        tokio::time::sleep(LEASE).await;
        receiver.clock.advance(LEASE);
        let mut replay = second;
        replay
            .headers_mut()
            .insert("linear-delivery", "made-up".parse().unwrap());
        receiver.send(replay).await.assert_busy();
        receiver.assert_calls(1);
    }
}

/// A store that stays away is asked for no longer than a lease.
#[tokio::test(start_paused = true)]
async fn c19_a_second_attempt_that_cannot_be_held_is_given_up_after_a_lease() {
    let receiver = Receiver::new(provider::github());
    let send = async |id, body| receiver.send(receiver.delivery_with(id, body)).await;
    send("evt_1", FIRST).await.assert_handled(200);
    receiver.store.break_next(Op::Renew, Fault::Fails, 1000);
    send("evt_1", SECOND).await.assert_duplicate();
    let started = tokio::time::Instant::now();
    receiver.finished().await;
    let asked = receiver.store.asked(Op::Renew);
    assert!(started.elapsed() <= LEASE + Duration::from_secs(1));
    assert!(asked >= 30, "{asked}");
    tokio::time::sleep(LEASE).await;
    assert_eq!(receiver.store.asked(Op::Renew), asked);
}

/// A conflict is no duplicate: what was refused is free again, under an id of
/// its own.
#[tokio::test]
async fn c15_bytes_that_were_refused_as_a_conflict_are_not_remembered() {
    let scheme = provider::github().with_conflict(ConflictPolicy::Reject);
    let receiver = Receiver::new(scheme);
    let send = async |id, body| receiver.send(receiver.delivery_with(id, body)).await;
    send("evt_1", FIRST).await.assert_handled(200);
    let answer = send("evt_1", SECOND).await;
    answer.assert_refused(422, RejectionKind::EventConflict);
    assert_eq!(receiver.store.asked(Op::Release), 1);
    send("evt_2", SECOND).await.assert_handled(200);
    receiver.assert_calls(2);
}

#[test]
fn a_store_that_may_take_no_time_is_refused() {
    let layer = DedupLayer::in_memory();
    let refused = layer.with_store_timeout(Duration::ZERO).unwrap_err();
    let setting = "the store's timeout";
    assert_eq!(refused, ConfigError::Zero { setting });
}

/// Where a third of the lease is no whole number of milliseconds, timers are
/// late by more each time. The handler still hears of the end at the end, and
/// not at the renewal that comes after it.
#[tokio::test(start_paused = true)]
async fn c9_a_lease_of_a_second_is_lost_after_a_second() {
    let calls = std::sync::Arc::default();
    let inner = handler(&calls, async |_, request| {
        let started = tokio::time::Instant::now();
        let lease = request.extensions().get::<Lease>().unwrap().clone();
        assert_eq!(format!("{lease:?}"), "Lease { attempt: 1, is_lost: false }");
        lease.lost().await;
        assert_eq!(started.elapsed(), Duration::from_secs(1));
        StatusCode::OK
    });
    let configure = |layer: DedupLayer| layer.with_lease(Duration::from_secs(1)).unwrap();
    let memory = MemoryStore::default();
    let receiver = Receiver::build(provider::stripe(), memory, configure, calls, inner);
    receiver.store.break_next(Op::Renew, Fault::Fails, 1000);
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    answer.assert_handled(200);
}

/// C10 for a handler that cannot be undone: it goes on to its end, and its
/// answer is its own.
#[tokio::test(start_paused = true)]
async fn c10_a_handler_goes_on_after_its_lease_was_lost() {
    let first = Receiver::with_handler(provider::stripe(), async |_, request| {
        let lease = request.extensions().get::<Lease>().unwrap().clone();
        lease.lost().await;
        for _ in 0..3 {
            tokio::time::sleep(LEASE).await;
        }
        StatusCode::OK
    });
    let second = first.other_node(async |_, _| StatusCode::ACCEPTED);
    let running = first.start(first.delivery("evt_1")).await;
    let id = EventId::new("evt_1").unwrap();
    assert!(first.layer.forget(None, &id).await.unwrap());
    let taken = second.send(second.delivery("evt_1")).await;
    taken.assert_handled(202);
    running.await.unwrap().assert_handled(200);
    let again = second.send(second.delivery("evt_1")).await;
    again.assert_duplicate();
}
