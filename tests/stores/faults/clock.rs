//! Servers whose clock is set.
//!
//! Both servers keep the ends of leases and rows as points in time, so to set
//! their clock is to move the rows the other way. (`redis/topology.rs` sets a
//! real one.)

use super::rig::{Answer, Backend, Effects, KINDS, LEASE, Rows, Worker};

/// By how much.
const STEP: i64 = 60 * 60;

/// The clock of a store's server.
struct Clock {
    store: Backend,
    shift: i64,
}

impl Clock {
    /// Shows `seconds` more than it would.
    async fn shows(&mut self, seconds: i64) {
        self.store.shift(seconds - self.shift).await;
        self.shift = seconds;
    }
}

async fn clocks() -> Vec<Clock> {
    let mut clocks = Vec::new();
    for kind in KINDS {
        let store = Backend::shared(kind).await;
        clocks.push(Clock { store, shift: 0 });
    }
    clocks
}

/// At the same time as the first run, which is why it is said in the docs.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_forward_lets_a_running_event_run_once_more() {
    for mut clock in clocks().await {
        let (store, effects) = (clock.store.clone(), Effects::new().await);
        let worker = Worker::behind(store.guard(), &effects).named("first");
        let mut first = worker.stopping_at("effect").start();
        let other = Worker::behind(store.guard(), &effects)
            .named("other")
            .start();
        let answer = first.send("event");
        first.reaches("effect");
        clock.shows(STEP).await;
        assert_eq!(other.answer("event").await, Answer::OK);
        first.pass("effect");
        assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
        first.says("answer complete AlreadyDone");
        for worker in [&first, &other] {
            assert_eq!(worker.answer("event").await, Answer::OK);
        }
        let once_each = [("first".to_owned(), 1), ("other".to_owned(), 2)];
        assert_eq!(effects.of("event").await, once_each, "{:?}", store.kind);
        assert_eq!(store.rows().await, Rows::ONE_DONE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_holds_what_a_dead_owner_had_for_as_long_as_the_step() {
    for mut clock in clocks().await {
        let (store, effects) = (clock.store.clone(), Effects::new().await);
        let worker = Worker::behind(store.guard(), &effects);
        let dead = worker.stopping_at("handler").start();
        let answer = dead.send("event");
        dead.reaches("handler");
        dead.kill();
        assert!(answer.await.unwrap().is_err());
        let other = Worker::behind(store.guard(), &effects).start();
        let lease = i64::try_from(LEASE.as_secs()).unwrap();
        clock.shows(-STEP).await;
        other.answer("event").await.is_refusal();
        clock.shows(lease - STEP).await;
        other.answer("event").await.is_refusal();
        clock.shows(lease).await;
        assert_eq!(other.answer("event").await, Answer::OK);
        assert_eq!(effects.count("event").await, 1, "{:?}", store.kind);
    }
}

/// A live owner is not disturbed, and what is done stays so.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_changes_nothing_for_live_owners() {
    for mut clock in clocks().await {
        let (store, effects) = (clock.store.clone(), Effects::new().await);
        let worker = Worker::behind(store.guard(), &effects);
        let mut worker = worker.stopping_at("effect").start();
        let answer = worker.send("event");
        worker.reaches("effect");
        clock.shows(-STEP).await;
        worker.pass("effect");
        assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
        worker.says("answer complete Done");
        for back in [-STEP, -2 * STEP, 0] {
            clock.shows(back).await;
            assert_eq!(worker.answer("event").await, Answer::OK);
        }
        assert_eq!(effects.count("event").await, 1, "{:?}", store.kind);
        assert_eq!(store.rows().await, Rows::ONE_DONE);
    }
}
