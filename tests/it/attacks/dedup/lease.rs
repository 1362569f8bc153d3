//! Handlers that take long, lose their connection, or their process.

mod detached;
mod takeover;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, StatusCode};
use tokio::sync::{Semaphore, oneshot};
use tower::Service;
use tower_webhook::dedup::Lease;
use tower_webhook::store::MemoryStore;
use tower_webhook::testing::ManualClock;
use tower_webhook::{VerifiedBody, provider};

use crate::support_dedup::*;

const SECOND: Duration = Duration::from_secs(1);

/// On a clock of its own, so that it outlives a runtime.
fn outliving(
    run: impl Fn(usize) -> StatusCode + Clone + Send + Sync + 'static,
) -> (Receiver, Arc<ManualClock>) {
    let calls = Arc::default();
    let inner = handler(&calls, move |call, _| {
        let run = run.clone();
        async move {
            if call == 1 {
                std::future::pending::<()>().await;
            }
            run(call)
        }
    });
    let clock = Arc::new(ManualClock::new(NOW));
    let memory = MemoryStore::default().with_clock(Arc::clone(&clock) as _);
    let receiver = Receiver::build(provider::github(), memory, |layer| layer, calls, inner);
    (receiver, clock)
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// The process dies while the handler runs.
#[test]
fn c7_a_killed_process_leaves_the_event_to_its_lease() {
    let (receiver, clock) = outliving(|_| StatusCode::OK);
    let delivery = || receiver.delivery_with("evt_1", "{}");
    let first = runtime();
    first.block_on(async {
        receiver.start(delivery()).await;
        // One whose connection is gone already dies with the process, too.
        receiver
            .start(receiver.delivery_with("evt_2", "2"))
            .await
            .abort();
    });
    drop(first);
    receiver.assert_calls(2);

    runtime().block_on(async {
        let answer = receiver.send(delivery()).await;
        answer.assert_busy();
        assert_eq!(answer.retry_after, Some(30));
        clock.advance(LEASE - SECOND);
        assert_eq!(receiver.send(delivery()).await.retry_after, Some(1));
        clock.advance(SECOND);
        receiver.send(delivery()).await.assert_handled(200);
        receiver
            .send(delivery())
            .await
            .assert_duplicate_of_attempt(2);
        receiver.assert_calls(3);
        receiver.finished().await;
    });
}

/// A detached handler without a runtime to go to is dropped: no panic, and
/// the lease runs out.
#[test]
fn c7_a_response_that_is_dropped_outside_a_runtime_is_given_up() {
    let (receiver, clock) = outliving(|_| StatusCode::OK);
    let mut service = receiver.service.clone();
    let mut response = Box::pin(service.call(receiver.delivery_with("evt_1", "{}")));
    let runtime = runtime();
    runtime.block_on(async {
        std::future::poll_fn(|cx| {
            assert!(response.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    });
    receiver.assert_calls(1);
    drop(response);
    assert_eq!(receiver.layer.handlers().running(), 0);
    runtime.block_on(async {
        let delivery = || receiver.delivery_with("evt_1", "{}");
        receiver.send(delivery()).await.assert_busy();
        clock.advance(LEASE);
        receiver.send(delivery()).await.assert_handled(200);
    });
}

#[tokio::test]
async fn a_response_that_was_never_polled_claimed_nothing() {
    let receiver = Receiver::new(provider::github());
    let mut service = receiver.service.clone();
    drop(service.call(receiver.delivery_with("evt_1", "{}")));
    settle().await;
    receiver.assert_rows(0);
    receiver.assert_calls(0);
    assert_eq!(receiver.layer.handlers().running(), 0);
}

#[tokio::test(start_paused = true)]
async fn c9_a_slow_handler_keeps_its_event() {
    for scheme in [provider::stripe(), provider::github()] {
        let receiver = Receiver::with_handler(scheme, async |_, request: Request<VerifiedBody>| {
            tokio::time::sleep(10 * 60 * SECOND).await;
            assert!(!request.extensions().get::<Lease>().unwrap().is_lost());
            StatusCode::OK
        });
        let delivery = || receiver.delivery_with("evt_1", r#"{"id":"evt_1"}"#);
        let running = receiver.start(delivery()).await;
        for _ in 0..40 {
            tokio::time::sleep(14 * SECOND).await;
            receiver.send(delivery()).await.assert_busy();
        }
        running.await.unwrap().assert_handled(200);
        receiver
            .send(delivery())
            .await
            .assert_duplicate_of_attempt(1);
        receiver.assert_calls(1);
    }
}

/// A handler that hangs does not hold its event for ever.
#[tokio::test(start_paused = true)]
async fn c9_a_hanging_handler_loses_its_event() {
    let (lost, is_lost) = oneshot::channel();
    let lost = Arc::new(Mutex::new(Some(lost)));
    let receiver = Receiver::with_handler(provider::stripe(), move |call, request| {
        let lost = Arc::clone(&lost);
        async move {
            if call == 1 {
                let lease = request.extensions().get::<Lease>().unwrap();
                lease.lost().await;
                let lost = lost.lock().unwrap().take().unwrap();
                lost.send(tokio::time::Instant::now()).unwrap();
            }
            StatusCode::OK
        }
    });
    let started = tokio::time::Instant::now();
    let running = receiver.start(receiver.delivery("evt_1")).await;
    let lost_after = is_lost.await.unwrap() - started;
    let hold = 15 * 60 * SECOND;
    assert!(
        (hold..=hold + LEASE).contains(&lost_after),
        "{lost_after:?}"
    );
    running.await.unwrap().assert_handled(200);
}

type Running = Pin<Box<dyn Future<Output = StatusCode> + Send>>;

/// The lease that a handler was called with.
type Seen = Arc<Mutex<Option<Lease>>>;

/// A handler that waits for `gate` and answers `status`.
fn gated(
    gate: &Arc<Semaphore>,
    status: StatusCode,
) -> (
    impl Fn(usize, Request<VerifiedBody>) -> Running + Clone + Send + Sync + 'static,
    Seen,
) {
    let lease = Arc::new(Mutex::new(None));
    let (gate, out) = (Arc::clone(gate), Arc::clone(&lease));
    let run = move |_, request: Request<VerifiedBody>| {
        let gate = Arc::clone(&gate);
        *out.lock().unwrap() = request.extensions().get::<Lease>().cloned();
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            status
        }) as Running
    };
    (run, lease)
}

/// A store that answers each renewal late, but in time.
#[tokio::test(start_paused = true)]
async fn c9_a_slow_store_does_not_stretch_the_longest_hold() {
    let gate = Arc::new(Semaphore::new(0));
    let (run, lease) = gated(&gate, StatusCode::OK);
    let receiver = Receiver::with_handler(provider::stripe(), run);
    receiver
        .store
        .break_next(Op::Renew, Fault::Slow(Duration::from_millis(1900)), 100_000);
    let started = tokio::time::Instant::now();
    let running = receiver.start(receiver.delivery("evt_1")).await;
    let lease = lease.lock().unwrap().clone().unwrap();
    lease.lost().await;
    let held = started.elapsed();
    let hold = 15 * 60 * SECOND;
    assert!((hold..=hold + LEASE).contains(&held), "{held:?}");
    gate.add_permits(1);
    running.await.unwrap().assert_handled(200);
}

/// The first renewal is due a third of a lease after the claim, not after the
/// handler's first wait.
#[tokio::test(start_paused = true)]
async fn c9_a_handler_that_blocks_is_renewed_as_soon_as_it_waits() {
    let receiver = Receiver::with_handler(provider::stripe(), async |_, _| {
        // As a handler that computes for so long without waiting.
        tokio::time::advance(25 * SECOND).await;
        tokio::time::sleep(25 * SECOND).await;
        StatusCode::OK
    });
    let delivery = receiver.delivery("evt_1");
    let running = receiver.start(delivery).await;
    tokio::time::sleep(6 * SECOND).await;
    receiver
        .send(receiver.delivery("evt_1"))
        .await
        .assert_busy();
    running.await.unwrap().assert_handled(200);
    receiver.assert_calls(1);
}
