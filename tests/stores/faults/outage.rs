//! Servers that stop, start again, or stand still.

use super::rig::{Answer, Effects, KINDS, Kind, LEASE, Rows, Server, Worker};
use crate::servers::Redis;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outage {
    /// The server is killed, and started again later.
    Crash,
    /// It answers nothing for a while, and goes on then where it was.
    Pause,
}

const OUTAGES: [Outage; 2] = [Outage::Crash, Outage::Pause];

impl Outage {
    fn begin(self, server: &mut Server) {
        match self {
            Self::Crash => server.stop(),
            Self::Pause => server.pause(),
        }
    }

    fn end(self, server: &mut Server) {
        match self {
            Self::Crash => server.restart(),
            Self::Pause => server.resume(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_without_a_store_nothing_runs_and_nothing_is_acknowledged() {
    for kind in KINDS {
        let mut server = Server::start(kind);
        for outage in OUTAGES {
            let (store, effects) = (server.backend().await, Effects::new().await);
            let worker = Worker::behind(store.guard(), &effects).stopping_at("claim");
            let mut worker = worker.start();
            let answer = worker.send("claimed");
            worker.reaches("claim");
            outage.begin(&mut server);
            worker.pass("claim");
            answer.await.unwrap().unwrap().is_refusal();
            worker.answer("later").await.is_refusal();
            assert_eq!(effects.total().await, (0, 0), "{kind:?}, {outage:?}");

            outage.end(&mut server);
            for event in ["claimed", "later"] {
                worker.acknowledges(event, &store).await;
                worker.acknowledges(event, &store).await;
            }
            assert_eq!(effects.total().await, (2, 2), "{kind:?}, {outage:?}");
            let both_done = Rows {
                done: 2,
                ..Rows::default()
            };
            assert_eq!(store.rows().await, both_done, "{kind:?}, {outage:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_an_outage_while_the_handler_runs_changes_nothing() {
    for kind in KINDS {
        let mut server = Server::start(kind);
        for outage in OUTAGES {
            let (store, effects) = (server.backend().await, Effects::new().await);
            let worker = Worker::behind(store.guard(), &effects).stopping_at("effect");
            let mut worker = worker.start();
            let answer = worker.send("event");
            worker.reaches("effect");
            outage.begin(&mut server);
            outage.end(&mut server);
            worker.pass("effect");
            assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
            let completed = worker.says("answer complete Done");
            assert_eq!(completed, "answer complete Done", "{kind:?}, {outage:?}");
            assert_eq!(worker.answer("event").await, Answer::OK);
            assert_eq!(effects.count("event").await, 1, "{kind:?}, {outage:?}");
            assert_eq!(store.rows().await, Rows::ONE_DONE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_a_success_is_answered_as_one_and_recorded_when_the_store_is_back() {
    for kind in KINDS {
        let mut server = Server::start(kind);
        for outage in OUTAGES {
            let (store, effects) = (server.backend().await, Effects::new().await);
            let worker = Worker::behind(store.guard(), &effects).stopping_at("complete");
            let mut worker = worker.start();
            let answer = worker.send("event");
            worker.reaches("complete");
            outage.begin(&mut server);
            worker.pass("complete");
            // While the store is still gone.
            assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
            outage.end(&mut server);
            worker.says("answer complete Done");
            assert_eq!(worker.answer("event").await, Answer::OK);
            assert_eq!(effects.count("event").await, 1, "{kind:?}, {outage:?}");
            assert_eq!(store.rows().await, Rows::ONE_DONE);
        }
    }
}

/// The bound of what a log prevents: without it, the effect is there a second
/// time.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_keeps_nothing_lets_done_events_run_again() {
    // With `everysec`, a write waits for the one before it to be on the disk.
    let always = ["--appendonly", "yes", "--appendfsync", "always"];
    for (log, runs) in [(&["--appendonly", "no"][..], 2), (&always, 1)] {
        let arguments = [&["--save", ""], log].concat();
        let mut server = Server::Redis(Redis::with(&arguments));
        let (store, effects) = (server.backend().await, Effects::new().await);
        let worker = Worker::behind(store.guard(), &effects).start();
        assert_eq!(worker.answer("event").await, Answer::OK);
        server.restart();
        worker.acknowledges("event", &store).await;
        assert_eq!(effects.count("event").await, runs, "{arguments:?}");
    }
}

/// An acknowledged event is there, one that is not acknowledged is not, or not
/// twice.
#[tokio::test(flavor = "multi_thread")]
async fn c19_the_transactional_inbox_acknowledges_what_is_committed_and_nothing_else() {
    for outage in OUTAGES {
        for point in ["handler", "effect"] {
            let mut server = Server::start(Kind::Postgres);
            let effects = Effects::on(server.as_postgres()).await;
            let store = server.backend().await;
            let worker = Worker::behind(store.inbox(), &effects).stopping_at(point);
            let mut worker = worker.start();
            let answer = worker.send("event");
            worker.reaches(point);
            outage.begin(&mut server);
            if outage == Outage::Pause {
                outage.end(&mut server);
            }
            worker.pass(point);
            let answer = answer.await.unwrap().unwrap();
            if outage == Outage::Crash {
                answer.is_refusal();
                outage.end(&mut server);
                assert_eq!(effects.count("event").await, 0, "{point}");
            } else {
                assert_eq!(answer, Answer::OK);
            }
            for _ in 0..2 {
                worker.acknowledges("event", &store).await;
                assert_eq!(effects.count("event").await, 1, "{outage:?}, {point}");
            }
            assert_eq!(store.rows().await, Rows::ONE_DONE);
        }
    }
}

/// A transaction that nobody ends keeps its event from others for no longer
/// than its server waits.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_an_open_transaction_is_busy() {
    let store = super::rig::Backend::shared(Kind::Postgres).await;
    let effects = Effects::new().await;
    let worker = Worker::behind(store.inbox(), &effects).named("first");
    let mut first = worker.stopping_at("effect").start();
    let other = Worker::behind(store.inbox(), &effects)
        .named("other")
        .start();
    let answer = first.send("event");
    first.reaches("effect");
    other.answer("event").await.is_refusal();
    store.advance(LEASE).await;
    other.answer("event").await.is_refusal();
    first.pass("effect");
    assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
    assert_eq!(other.answer("event").await, Answer::OK);
    assert_eq!(effects.of("event").await, [("first".to_owned(), 1)]);
}
