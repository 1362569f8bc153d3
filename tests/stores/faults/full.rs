//! A Redis without room.

use ::redis::aio::MultiplexedConnection;
use tower_webhook::store::{RedisSetupError, RedisStore};

use super::rig::{Answer, Backend, Effects, Guard, Worker};
use crate::servers::Redis;

/// What fits into Redis beside itself is a few megabytes.
fn redis(policy: &str) -> Redis {
    let bound = ["--maxmemory", "8mb", "--maxmemory-policy", policy];
    Redis::with(&[&["--save", "", "--appendonly", "no"], &bound[..]].concat())
}

/// Writes what is not ours, until nothing more fits or no event is left. The
/// connection's own memory is part of what is taken, and goes with it.
async fn fill(store: &Backend) -> MultiplexedConnection {
    let mut connection = store.to_redis().await;
    let (mut size, mut refused) = (10_000, 0);
    for number in 0..10_000 {
        let mut set = ::redis::cmd("SET");
        let set = set.arg(format!("other:{number}")).arg("x".repeat(size));
        if set.exec_async(&mut connection).await.is_err() {
            (size, refused) = (100, refused + 1);
        }
        if refused == 100 || (refused == 0 && store.is_empty().await) {
            return connection;
        }
    }
    panic!("Redis has room for everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_a_redis_that_evicts_is_refused_at_the_start() {
    let evicting = redis("allkeys-lru");
    let refused = RedisStore::connect(&evicting.url()).await.unwrap_err();
    let RedisSetupError::Evicting { policy } = refused else {
        panic!("{refused}");
    };
    assert_eq!(policy, "allkeys-lru");
    RedisStore::connect(&redis("noeviction").url())
        .await
        .unwrap();
}

/// What is accepted with `connect_allowing_eviction`: without an error, a done
/// event runs again.
#[tokio::test(flavor = "multi_thread")]
async fn c22_an_evicted_event_runs_again() {
    let server = redis("allkeys-lru");
    let (store, effects) = (Backend::redis(&server), Effects::new().await);
    let Guard::Redis { url, prefix } = store.guard() else {
        panic!("this is Redis");
    };
    let worker = Worker::behind(Guard::RedisAllowingEviction { url, prefix }, &effects).start();
    for _ in 0..2 {
        assert_eq!(worker.answer("event").await, Answer::OK);
    }
    assert_eq!(effects.count("event").await, 1);
    let _full = fill(&store).await;
    assert_eq!(worker.answer("event").await, Answer::OK);
    assert_eq!(effects.count("event").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_without_room_nothing_new_is_acknowledged_and_nothing_old_forgotten() {
    let server = redis("noeviction");
    let (store, effects) = (Backend::redis(&server), Effects::new().await);
    let mut worker = Worker::behind(store.guard(), &effects).start();
    assert_eq!(worker.answer("done").await, Answer::OK);
    worker.stop("effect");
    let running = worker.send("running");
    worker.reaches("effect");
    let other = Worker::behind(store.guard(), &effects).start();

    let mut connection = fill(&store).await;
    other.answer("new").await.is_refusal();
    assert_eq!(effects.count("new").await, 0);
    other.answer("running").await.is_refusal();
    assert_eq!(other.answer("done").await, Answer::OK);
    worker.pass("effect");
    assert_eq!(running.await.unwrap().unwrap(), Answer::OK);
    worker.says("answer complete Done");
    assert_eq!(other.answer("running").await, Answer::OK);

    for number in 0..100 {
        let mut delete = ::redis::cmd("DEL");
        let delete = delete.arg(format!("other:{number}"));
        delete.exec_async(&mut connection).await.unwrap();
    }
    assert_eq!(other.answer("new").await, Answer::OK);
    assert_eq!(effects.total().await, (3, 3));
}
