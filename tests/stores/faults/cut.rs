//! Replies that do not arrive.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use tower_webhook::store::{Claim, DedupKey, DedupStore, Owner, PostgresStore};

use super::rig::{Answer, Backend, Effects, Guard, KINDS, Kind, Proxy, Worker};
use crate::postgres;
use crate::servers::{Postgres, wait_for};

/// A worker whose connections are open and whose statements are known, that
/// stops at `point`.
async fn worker(guard: Guard, effects: &Effects, point: &str) -> Worker {
    let mut worker = Worker::behind(guard, effects).start();
    assert_eq!(worker.answer("first").await, Answer::OK);
    worker.stop(point);
    worker
}

/// Where the reply ends: before its first byte, behind it, within it.
const CUTS: [usize; 3] = [0, 1, 5];

#[tokio::test(flavor = "multi_thread")]
async fn c21_a_claim_whose_reply_is_cut_is_the_same_the_second_time() {
    for kind in KINDS {
        for bytes in CUTS {
            let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
            let proxy = Proxy::of(store.socket());
            let mut worker = worker(store.guard_at(proxy.socket()), &effects, "claim").await;
            let answer = worker.send("event");
            worker.reaches("claim");
            proxy.cut_next_reply(bytes);
            worker.pass("claim");
            assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
            assert!(proxy.has_cut());
            let once = [("worker".to_owned(), 1)];
            assert_eq!(effects.of("event").await, once, "{kind:?}, {bytes}");
            assert_eq!(worker.answer("event").await, Answer::OK);
            assert_eq!(effects.of("event").await, once, "{kind:?}, {bytes}");
            assert_eq!(store.rows().await.done, 2);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c21_a_completion_whose_reply_is_cut_is_done() {
    for kind in KINDS {
        for bytes in CUTS {
            let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
            let proxy = Proxy::of(store.socket());
            let mut worker = worker(store.guard_at(proxy.socket()), &effects, "complete").await;
            let answer = worker.send("event");
            worker.reaches("complete");
            proxy.cut_next_reply(bytes);
            worker.pass("complete");
            assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
            assert!(proxy.has_cut());
            worker.says("answer complete Done");
            assert_eq!(worker.answer("event").await, Answer::OK);
            assert_eq!(effects.count("event").await, 1, "{kind:?}, {bytes}");
            assert_eq!(store.rows().await.done, 2);
        }
    }
}

/// An operator who is told that an event was unknown would not have it
/// delivered again.
#[tokio::test(flavor = "multi_thread")]
async fn c28_an_event_whose_forgetting_is_not_answered_is_not_called_unknown() {
    let server = Postgres::shared();
    let proxy = Proxy::of(&server.socket());
    let direct = PostgresStore::connect(&server.url()).await.unwrap();
    let name = postgres::new_name();
    let direct = direct.with_table(&name).unwrap();
    direct.migrate().await.unwrap();
    let dir = proxy.socket().parent().unwrap().display().to_string();
    let url = format!("postgres://postgres@localhost/postgres?host={dir}");
    // One connection, so that the one that knows the statement is the one that deletes.
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.test_before_acquire(false).connect(&url).await.unwrap();
    let store = PostgresStore::new(pool).with_table(&name).unwrap();
    let store = store.without_automatic_reaping();

    let (key, life) = (DedupKey::from_bytes([7; 32]), Duration::from_secs(60));
    let claim = Claim::new(key, Owner::from_u128(1), life, life);
    store.claim(&claim).await.unwrap();
    // The statement is known now, so that the next reply is that to the deletion.
    assert!(store.forget(&key).await.unwrap());
    store.claim(&claim).await.unwrap();
    // A connection that is given back to the pool is asked whether it lives.
    let pool = store.pool();
    wait_for("the connection", || (pool.num_idle() == 1).then_some(()));
    proxy.cut_next_reply(0);
    assert!(store.forget(&key).await.is_err());
    assert!(proxy.has_cut());
    assert!(!direct.forget(&key).await.unwrap(), "it was forgotten");
}

/// The store has the claim, and its owner does not know: it either learns it by
/// asking again, or gives the event back.
#[tokio::test(flavor = "multi_thread")]
async fn c21_a_claim_whose_reply_is_late_blocks_nobody() {
    for kind in KINDS {
        let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
        let proxy = Proxy::of(store.socket());
        let mut worker = worker(store.guard_at(proxy.socket()), &effects, "claim").await;
        let answer = worker.send("event");
        worker.reaches("claim");
        proxy.hold_replies();
        worker.pass("claim");
        // It asks again, or has given up and wants to give the event back.
        worker.says_one_of(&["answer claim failed", "at release"]);
        proxy.heal();
        let answer = answer.await.unwrap().unwrap();
        if answer != Answer::OK {
            answer.is_refusal();
            assert_eq!(effects.count("event").await, 0, "{kind:?}");
        }
        let other = Worker::behind(store.guard(), &effects)
            .named("other")
            .start();
        other.acknowledges("event", &store).await;
        assert_eq!(effects.count("event").await, 1, "{kind:?}");
        assert_eq!(store.rows().await.done, 2);
    }
}

/// Nobody knows whether it was committed, but the next delivery.
#[tokio::test(flavor = "multi_thread")]
async fn c21_a_commit_whose_reply_is_cut_is_not_repeated() {
    for bytes in CUTS {
        let (store, effects) = (Backend::shared(Kind::Postgres).await, Effects::new().await);
        let proxy = Proxy::of(store.socket());
        let mut worker = worker(store.inbox_at(proxy.socket()), &effects, "commit").await;
        let answer = worker.send("event");
        worker.reaches("commit");
        proxy.cut_next_reply(bytes);
        worker.pass("commit");
        answer.await.unwrap().unwrap().is_refusal();
        assert!(proxy.has_cut());
        worker.acknowledges("event", &store).await;
        assert_eq!(effects.count("event").await, 1, "{bytes}");
        assert_eq!(store.rows().await.done, 2);
    }
}
