//! C: what is one event, who may run it, and what is left behind.

mod batches;
mod configuration;
mod forget;
mod identity;
mod lease;
mod outcome;
mod replayed;
#[cfg(feature = "tracing")]
mod reported;
mod store;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::sync::Semaphore;
use tower_webhook::provider;

use crate::support_dedup::*;

#[tokio::test(start_paused = true)]
async fn c1_sixty_four_copies_run_once() {
    let receiver = Receiver::with_handler(provider::stripe(), async |_, _| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        StatusCode::OK
    });
    let mut copies = Vec::new();
    for _ in 0..64 {
        copies.push(receiver.start(receiver.delivery("evt_1")).await);
    }
    let mut handled = 0;
    for copy in copies {
        let answer = copy.await.unwrap();
        match answer.status {
            200 => {
                answer.assert_handled(200);
                handled += 1;
            }
            _ => answer.assert_busy(),
        }
    }
    assert_eq!(handled, 1);
    receiver.assert_calls(1);
    receiver.assert_rows(1);
    receiver
        .send(receiver.delivery("evt_1"))
        .await
        .assert_duplicate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c1_copies_in_parallel_run_once() {
    let receiver = Receiver::with_handler(provider::github(), async |_, _| {
        tokio::task::yield_now().await;
        StatusCode::OK
    });
    for event in 0..20 {
        let id = format!("evt_{event}");
        let start = Arc::new(tokio::sync::Barrier::new(64));
        let copies: Vec<_> = (0..64)
            .map(|_| {
                let (receiver, start) = (receiver.clone(), Arc::clone(&start));
                let request = receiver.delivery_with(&id, &id);
                tokio::spawn(async move {
                    start.wait().await;
                    receiver.send(request).await
                })
            })
            .collect();
        let mut handled = 0;
        for copy in copies {
            let answer = copy.await.unwrap();
            match (answer.status, answer.duplicate) {
                (200, None) => handled += 1,
                (200, Some(_)) => answer.assert_duplicate(),
                _ => answer.assert_busy(),
            }
        }
        assert_eq!(handled, 1, "{id}");
        receiver.assert_calls(event + 1);
        // One for the id and one for what was signed.
        receiver.assert_rows(2 * (event + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn c3_a_copy_of_a_run_that_fails_is_not_told_that_it_succeeded() {
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::clone(&gate);
    let receiver = Receiver::with_handler(provider::stripe(), move |call, _| {
        let gate = Arc::clone(&inside);
        async move {
            gate.acquire().await.unwrap().forget();
            match call {
                1 => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::OK,
            }
        }
    });
    let first = receiver.start(receiver.delivery("evt_1")).await;
    let second = receiver.send(receiver.delivery("evt_1")).await;
    second.assert_busy();
    gate.add_permits(2);
    first.await.unwrap().assert_handled(500);
    let retry = receiver.send(receiver.delivery("evt_1")).await;
    retry.assert_handled(200);
    receiver.assert_calls(2);
    receiver.assert_rows(1);
}
