//! A store that fails, at each step and in each way.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tower_webhook::dedup::{DedupUnavailable, Lease, OnStoreFailure};
use tower_webhook::store::MemoryStore;
use tower_webhook::testing::ManualClock;
use tower_webhook::{RejectionKind, provider};

use crate::support_dedup::*;

const FAULTS: [Fault; 4] = [Fault::Fails, Fault::LosesReply, Fault::Hangs, Fault::Panics];

#[tokio::test(start_paused = true)]
async fn c19_a_store_that_is_down_at_the_claim_refuses() {
    for fault in [Fault::Fails, Fault::Hangs, Fault::Panics] {
        let receiver = Receiver::new(provider::github());
        receiver.store.break_all(fault);
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_refused(503, RejectionKind::StoreUnavailable);
        assert_eq!(answer.retry_after, Some(10), "{fault:?}");
        receiver.assert_calls(0);
        receiver.assert_rows(0);
        receiver.finished().await;
        receiver.store.heal();
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_handled(200);
    }
}

/// The second of two claims fails: nothing stays behind that would keep the
/// retry out.
#[tokio::test(start_paused = true)]
async fn c19_a_store_that_fails_half_way_leaves_the_event_free() {
    for fault in FAULTS {
        let receiver = Receiver::new(provider::github());
        let faults = [None].into_iter().chain([Some(fault); 10]);
        receiver.store.plan(Op::Claim, faults);
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_refused(503, RejectionKind::StoreUnavailable);
        receiver.finished().await;
        receiver.store.heal();
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_handled(200);
        receiver.assert_calls(1);
    }
}

#[tokio::test(start_paused = true)]
async fn c19_failing_open_runs_the_handler_and_tells_it() {
    for fault in [Fault::Fails, Fault::Hangs, Fault::Panics] {
        let calls = Arc::default();
        let inner = handler(&calls, async |call, request| {
            let extensions = request.extensions();
            assert!(extensions.get::<DedupUnavailable>().is_some());
            assert!(extensions.get::<Lease>().is_none());
            match call {
                3 => panic!("the handler's bug"),
                _ => StatusCode::OK,
            }
        });
        let receiver = Receiver::build(
            provider::stripe(),
            MemoryStore::default(),
            |layer| layer.with_store_failure(OnStoreFailure::Process),
            calls,
            inner,
        );
        receiver.store.break_all(fault);
        for _ in 0..2 {
            let answer = receiver.send(receiver.delivery("evt_1")).await;
            answer.assert_handled(200);
        }
        let answer = receiver.send(receiver.delivery("evt_1")).await;
        answer.assert_refused(500, RejectionKind::HandlerPanicked);
        receiver.assert_calls(3);
    }
}

/// A full store is not a store that is down: to process then would process
/// everything twice for as long as it is full.
#[tokio::test]
async fn c23_a_full_store_refuses_and_forgets_nothing() {
    for policy in [OnStoreFailure::Refuse, OnStoreFailure::Process] {
        let calls = Arc::default();
        let inner = handler(&calls, async |_, _| StatusCode::OK);
        let receiver = Receiver::build(
            provider::stripe(),
            MemoryStore::new(2).unwrap(),
            |layer| layer.with_store_failure(policy),
            calls,
            inner,
        );
        for id in ["evt_1", "evt_2"] {
            let answer = receiver.send(receiver.delivery(id)).await;
            answer.assert_handled(200);
        }
        let answer = receiver.send(receiver.delivery("evt_3")).await;
        answer.assert_refused(503, RejectionKind::StoreFull);
        assert_eq!(answer.retry_after, Some(10));
        for id in ["evt_1", "evt_2"] {
            receiver
                .send(receiver.delivery(id))
                .await
                .assert_duplicate();
        }
        receiver.assert_calls(2);
        receiver.assert_rows(2);
    }
}

#[tokio::test(start_paused = true)]
async fn c23_a_full_store_keeps_what_is_running() {
    let calls = Arc::default();
    let inner = handler(&calls, async |_, _| {
        tokio::time::sleep(Duration::from_secs(20)).await;
        StatusCode::OK
    });
    let memory = MemoryStore::new(2).unwrap();
    let receiver = Receiver::build(provider::github(), memory, |layer| layer, calls, inner);
    let running = receiver.start(receiver.delivery_with("evt_1", "a")).await;
    let answer = receiver.send(receiver.delivery_with("evt_2", "b")).await;
    answer.assert_refused(503, RejectionKind::StoreFull);
    let answer = receiver.send(receiver.delivery_with("evt_1", "a")).await;
    answer.assert_busy();
    running.await.unwrap().assert_handled(200);
    receiver.assert_calls(1);
    receiver.assert_rows(2);
}

#[tokio::test]
async fn c23_a_store_that_is_full_half_way_leaves_the_event_free() {
    let calls = Arc::default();
    let inner = handler(&calls, async |_, _| StatusCode::OK);
    let memory = MemoryStore::new(3).unwrap();
    let receiver = Receiver::build(provider::github(), memory, |layer| layer, calls, inner);
    let answer = receiver.send(receiver.delivery_with("evt_1", "1")).await;
    answer.assert_handled(200);
    for _ in 0..2 {
        let answer = receiver.send(receiver.delivery_with("evt_2", "2")).await;
        answer.assert_refused(503, RejectionKind::StoreFull);
        receiver.finished().await;
    }
    receiver.assert_calls(1);
}

#[tokio::test]
async fn c24_what_has_expired_makes_room() {
    let calls = Arc::default();
    let inner = handler(&calls, async |_, _| StatusCode::OK);
    let clock = Arc::new(ManualClock::new(NOW));
    let memory = MemoryStore::new(100).unwrap();
    let ttl = Duration::from_secs(1000);
    let receiver = Receiver::build(
        provider::stripe(),
        memory.with_clock(Arc::clone(&clock) as _),
        |layer| layer.with_ttl(ttl).unwrap(),
        calls,
        inner,
    );
    for event in 0..2000 {
        let id = format!("evt_{event}");
        let answer = receiver.send(receiver.delivery(&id)).await;
        answer.assert_handled(200);
        clock.advance(ttl / 50);
    }
    receiver.assert_calls(2000);
}

#[tokio::test(start_paused = true)]
async fn c20_a_success_is_answered_whatever_the_store_says() {
    for fault in FAULTS {
        for times in [1, 3] {
            let receiver = Receiver::new(provider::github());
            receiver.store.break_next(Op::Complete, fault, 2 * times);
            let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
            answer.assert_handled(200);
            // In the background, and before the lease is over.
            let before = tokio::time::Instant::now();
            receiver.finished().await;
            assert!(before.elapsed() < LEASE, "{fault:?} {times}");
            for id in ["evt_1", "evt_2"] {
                let answer = receiver.send(receiver.delivery_with(id, "{}")).await;
                answer.assert_duplicate_of_attempt(1);
            }
            receiver.assert_calls(1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn c20_completing_later_ends_with_the_lease() {
    for fault in [Fault::Fails, Fault::Hangs] {
        let receiver = Receiver::new(provider::stripe());
        receiver.store.break_next(Op::Complete, fault, 100_000);
        let answer = receiver.send(receiver.delivery("evt_1")).await;
        answer.assert_handled(200);
        let before = tokio::time::Instant::now();
        receiver.finished().await;
        assert!(before.elapsed() <= 2 * LEASE, "{fault:?}");
        // At least once: now it runs again.
        receiver.store.heal();
        let answer = receiver.send(receiver.delivery("evt_1")).await;
        answer.assert_handled(200);
        receiver.assert_calls(2);
    }
}

/// Which step failed, and why: the cause that the store gives.
#[cfg(feature = "tracing")]
#[tokio::test(start_paused = true)]
async fn c19_c20_operators_are_told_what_the_store_said() {
    let log = crate::support::log::Log::start();
    let receiver = Receiver::new(provider::stripe());
    receiver.store.break_all(Fault::Fails);
    receiver.send(receiver.delivery("evt_1")).await;
    receiver.finished().await;
    let claimed = log.take();
    assert!(
        claimed.contains("an event could not be claimed"),
        "{claimed}"
    );
    assert!(
        claimed.contains("the store is unavailable: down"),
        "{claimed}"
    );

    receiver.store.heal();
    receiver
        .store
        .break_next(Op::Complete, Fault::Fails, 100_000);
    receiver.send(receiver.delivery("evt_1")).await;
    let completed = log.take();
    assert!(
        completed.contains("an event could not be marked done yet"),
        "{completed}"
    );
    assert!(
        completed.contains("the store is unavailable: down"),
        "{completed}"
    );
    receiver.finished().await;
    assert!(log.take().contains("it may be processed again"));
}

#[tokio::test(start_paused = true)]
async fn c21_a_lost_reply_to_a_claim_is_the_same_claim() {
    for scheme in [provider::stripe(), provider::github()] {
        let receiver = Receiver::with_handler(scheme, async |_, request| {
            let lease = request.extensions().get::<Lease>().unwrap();
            assert_eq!(lease.attempt(), 1);
            StatusCode::OK
        });
        let lost = Some(Fault::LosesReply);
        receiver.store.plan(Op::Claim, [lost, None, lost, None]);
        let body = r#"{"id":"evt_1"}"#;
        let answer = receiver.send(receiver.delivery_with("evt_1", body)).await;
        answer.assert_handled(200);
        let answer = receiver.send(receiver.delivery_with("evt_1", body)).await;
        answer.assert_duplicate_of_attempt(1);
        receiver.assert_calls(1);
    }
}

/// However the reply is lost, the provider's retry runs.
#[tokio::test(start_paused = true)]
async fn c21_a_claim_that_was_never_answered_does_not_block_the_retry() {
    let receiver = Receiver::new(provider::github());
    receiver.store.break_next(Op::Claim, Fault::LosesReply, 2);
    let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
    answer.assert_refused(503, RejectionKind::StoreUnavailable);
    receiver.finished().await;
    let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
    answer.assert_handled(200);
    receiver.assert_calls(1);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_leaves_the_event_to_its_lease() {
    for fault in [Fault::Fails, Fault::Hangs, Fault::Panics] {
        let receiver = Receiver::with_handler(provider::github(), async |call, _| match call {
            1 => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::OK,
        });
        receiver.store.break_next(Op::Release, fault, 2);
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_handled(500);
        receiver.finished().await;
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_busy();
        tokio::time::advance(LEASE).await;
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_handled(200);
        receiver.assert_calls(2);
    }
}
