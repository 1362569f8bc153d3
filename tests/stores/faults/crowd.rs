//! Many copies of many events at once, on two machines.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::rig::client::{Connection, signed};
use super::rig::process::Start;
use super::rig::{Answer, Backend, Effects, Kind, Rows, Worker};

const COPIES: usize = 64;

/// Where the store is one that is tried with all of them, too. The first few
/// decide who runs; what more would add is more of the same.
const FEW: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn c2_of_64_copies_on_two_machines_one_runs_with_redis() {
    let store = Backend::shared(Kind::Redis).await;
    one_of(COPIES, 1_000, &store, |effects| {
        Worker::behind(store.guard(), effects).quiet()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_of_64_copies_on_two_machines_one_runs_with_postgres() {
    let store = Backend::shared(Kind::Postgres).await;
    one_of(COPIES, 1_000, &store, |effects| {
        Worker::behind(store.guard(), effects).quiet()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_of_16_copies_on_two_machines_one_runs_with_a_read_through() {
    let store = Backend::shared(Kind::Redis).await;
    one_of(FEW, 1_000, &store, |effects| {
        let worker = Worker::behind(store.guard(), effects).quiet();
        worker.reading_through()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_of_16_copies_on_two_machines_one_commits_in_the_transactional_inbox() {
    let store = Backend::shared(Kind::Postgres).await;
    one_of(FEW, 250, &store, |effects| {
        Worker::behind(store.inbox(), effects).quiet()
    })
    .await;
}

/// Every copy is acknowledged or told to come again, and one of each event's
/// reaches the handler: so no two of them are there at once, either.
async fn one_of(copies: usize, events: usize, store: &Backend, worker: impl Fn(&Effects) -> Start) {
    let effects = Effects::new().await;
    let workers = [worker(&effects).start(), worker(&effects).start()];
    deliver(
        copies,
        events,
        workers.each_ref().map(|it| it.socket().to_owned()),
    )
    .await;
    let all = i64::try_from(events).unwrap();
    assert_eq!(effects.total().await, (all, all));
    let all_done = Rows {
        done: events,
        ..Rows::default()
    };
    assert_eq!(store.rows().await, all_done);
}

/// There is a connection for each copy, half of them to each machine. All take
/// the events in the same order, so that copies of one come together.
async fn deliver(copies: usize, events: usize, workers: [PathBuf; 2]) {
    let requests = (0..events).map(|id| signed(&format!("event-{id}")));
    let requests: Arc<Vec<_>> = Arc::new(requests.collect());
    let mut senders = JoinSet::new();
    for copy in 0..copies {
        let (requests, worker) = (Arc::clone(&requests), workers[copy % 2].clone());
        senders.spawn(async move {
            let mut connection = Connection::open(&worker).await.unwrap();
            for request in requests.iter() {
                let answer = connection.send(request.clone()).await.unwrap();
                if answer != Answer::OK {
                    answer.is_refusal();
                }
            }
        });
    }
    senders.join_all().await;
}
