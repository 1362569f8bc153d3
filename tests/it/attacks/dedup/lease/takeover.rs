//! Two processes that hold one event, one after the other.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::sync::Semaphore;
use tower_webhook::dedup::DedupLayer;
use tower_webhook::delivery::EventId;
use tower_webhook::store::MemoryStore;
use tower_webhook::{RejectionKind, provider};

use super::{SECOND, gated};
use crate::support_dedup::*;

#[tokio::test(start_paused = true)]
async fn c10_an_owner_that_was_replaced_changes_nothing() {
    for fault in [Fault::Fails, Fault::Hangs, Fault::Panics] {
        for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
            let gate = Arc::new(Semaphore::new(0));
            let (run, lease) = gated(&gate, status);
            let first = Receiver::with_handler(provider::github(), run);
            let second = first.other_node(async |_, _| StatusCode::ACCEPTED);
            let delivery = || first.delivery_with("evt_1", "{}");

            let running = first.start(delivery()).await;
            first.store.break_next(Op::Renew, fault, 100_000);
            tokio::time::sleep(LEASE - SECOND).await;
            second.send(delivery()).await.assert_busy();
            assert!(!lease.lock().unwrap().as_ref().unwrap().is_lost());
            tokio::time::sleep(SECOND).await;
            settle().await;
            let lost = lease.lock().unwrap().as_ref().unwrap().is_lost();
            assert!(lost, "{fault:?}: lost when the lease is over");

            second.send(delivery()).await.assert_handled(202);
            gate.add_permits(1);
            running.await.unwrap().assert_handled(status.as_u16());
            first.finished().await;
            for node in [&first, &second] {
                let answer = node.send(delivery()).await;
                answer.assert_duplicate_of_attempt(2);
                assert_eq!(answer.duplicate.unwrap().status, 202);
            }
            first.assert_calls(1);
            second.assert_calls(1);
        }
    }
}

/// The same, and the second is still running when the first is done.
#[tokio::test(start_paused = true)]
async fn c10_an_owner_that_was_replaced_does_not_release_the_other() {
    for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
        let gate = Arc::new(Semaphore::new(0));
        let (run, _) = gated(&gate, status);
        let first = Receiver::with_handler(provider::github(), run);
        let gate_of_second = Arc::new(Semaphore::new(0));
        let (run, _) = gated(&gate_of_second, StatusCode::ACCEPTED);
        let second = first.other_node(run);
        let delivery = || first.delivery_with("evt_1", "{}");

        let running = first.start(delivery()).await;
        first.store.break_next(Op::Renew, Fault::Fails, 100_000);
        tokio::time::sleep(LEASE).await;
        let taken_over = second.start(delivery()).await;
        second.assert_calls(1);
        gate.add_permits(1);
        running.await.unwrap().assert_handled(status.as_u16());
        second.send(delivery()).await.assert_busy();
        gate_of_second.add_permits(1);
        taken_over.await.unwrap().assert_handled(202);
        second.send(delivery()).await.assert_duplicate_of_attempt(2);
    }
}

/// The store is back, and says that another has taken over.
#[tokio::test(start_paused = true)]
async fn a_lease_is_lost_at_a_takeover() {
    let gate = Arc::new(Semaphore::new(0));
    let (run, lease) = gated(&gate, StatusCode::OK);
    let first = Receiver::with_handler(provider::stripe(), run);
    let second = first.other_node(async |_, _| StatusCode::ACCEPTED);
    let running = first.start(first.delivery("evt_1")).await;
    // As if this process had slept: its timers are late, the store's are not.
    let memory = Arc::clone(&first.memory);
    first
        .layer
        .forget(None, &EventId::new("evt_1").unwrap())
        .await
        .unwrap();
    second
        .send(second.delivery("evt_1"))
        .await
        .assert_handled(202);
    let lease = lease.lock().unwrap().clone().unwrap();
    assert_eq!((lease.attempt(), lease.is_lost()), (1, false));
    tokio::time::timeout(LEASE / 3 + SECOND, lease.lost())
        .await
        .unwrap();
    assert!(lease.is_lost());
    let renewals = first.store.asked(Op::Renew);
    tokio::time::sleep(10 * LEASE).await;
    assert_eq!(first.store.asked(Op::Renew), renewals, "lost is lost");
    gate.add_permits(1);
    running.await.unwrap().assert_handled(200);
    assert_eq!(memory.len(), 1);
}

/// C11: whatever was claimed has a deadline, and until then is not taken for
/// an orphan.
#[tokio::test(start_paused = true)]
async fn c11_a_claim_is_never_an_orphan() {
    let receiver = Receiver::new(provider::github());
    receiver.store.break_next(Op::Renew, Fault::Fails, 100_000);
    let delivery = || receiver.delivery_with("evt_1", "{}");
    for ((), seconds) in [((), 29), ((), 30)] {
        let gate = Arc::new(Semaphore::new(0));
        let (run, _) = gated(&gate, StatusCode::OK);
        let node = receiver.other_node(run);
        node.store.break_next(Op::Renew, Fault::Fails, 100_000);
        node.start(delivery()).await;
        node.assert_calls(1);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let answer = receiver.send(delivery()).await;
        match seconds {
            29 => answer.assert_busy(),
            _ => answer.assert_handled(200),
        }
        tokio::time::sleep(SECOND).await;
    }
    receiver.assert_calls(1);
}

/// C9 before the handler has begun: the answer to the claim comes after the
/// lease that it granted, and another delivery has the event.
#[tokio::test(start_paused = true)]
async fn c9_a_claim_that_is_answered_after_its_lease_runs_nothing() {
    let lease = |layer: DedupLayer| layer.with_lease(SECOND).unwrap();
    let calls = Arc::default();
    let inner = handler(&calls, async |_, _| StatusCode::OK);
    let memory = MemoryStore::default();
    let first = Receiver::build(provider::stripe(), memory, lease, calls, inner);
    let second = first.other_node(async |_, _| {
        tokio::time::sleep(SECOND).await;
        StatusCode::ACCEPTED
    });
    let late = Fault::SlowReply(Duration::from_millis(1_500));
    first.store.break_next(Op::Claim, late, 1);
    let running = first.start(first.delivery("evt_1")).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let taken = second.start(second.delivery("evt_1")).await;
    let answer = running.await.unwrap();
    answer.assert_refused(503, RejectionKind::InFlight);
    first.assert_calls(0);
    taken.await.unwrap().assert_handled(202);
    first.finished().await;
    let again = first.send(first.delivery("evt_1")).await;
    again.assert_duplicate();
}

/// C9, where nobody has taken the event over: it is given back at once.
#[tokio::test(start_paused = true)]
async fn c9_an_event_whose_claim_is_answered_late_is_free_again() {
    let lease = |layer: DedupLayer| layer.with_lease(SECOND).unwrap();
    let calls = Arc::default();
    let inner = handler(&calls, async |_, _| StatusCode::OK);
    let memory = MemoryStore::default();
    let receiver = Receiver::build(provider::stripe(), memory, lease, calls, inner);
    let late = Fault::SlowReply(SECOND);
    receiver.store.break_next(Op::Claim, late, 1);
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    answer.assert_refused(503, RejectionKind::InFlight);
    receiver.finished().await;
    assert_eq!(receiver.store.asked(Op::Release), 1);
    let again = receiver.send(receiver.delivery("evt_1")).await;
    again.assert_handled(200);
    receiver.assert_calls(1);
}
