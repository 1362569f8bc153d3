//! Handlers that outlast their leases, and owners who come late.

use std::time::Duration;

use super::rig::{Answer, Backend, Effects, KINDS, LEASE, Proxy, Rows, Worker};

#[tokio::test(flavor = "multi_thread")]
async fn c9_a_handler_longer_than_its_lease_keeps_its_event() {
    for kind in KINDS {
        let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
        // Renewed every second.
        let lease = Duration::from_secs(3);
        let worker = Worker::behind(store.guard(), &effects).with_lease(lease);
        let mut worker = worker.stopping_at("handler").start();
        let other = Worker::behind(store.guard(), &effects)
            .named("other")
            .start();
        let answer = worker.send("event");
        worker.reaches("handler");
        for _ in 0..4 {
            worker.says("answer renew Extended");
            other.answer("event").await.is_refusal();
        }
        worker.pass("handler");
        assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
        assert_eq!(other.answer("event").await, Answer::OK);
        let once = [("worker".to_owned(), 1)];
        assert_eq!(effects.of("event").await, once, "{kind:?}");
        assert_eq!(store.rows().await, Rows::ONE_DONE);
    }
}

/// How an owner comes to be late.
#[derive(Clone, Copy, Debug)]
enum Late {
    /// Nothing passes between it and the store for a while, and what it sent
    /// meanwhile arrives in the end.
    Partition,
    /// Its process stands still.
    Pause,
}

/// An owner whose lease ended before it could settle its event.
struct Owner {
    late: Late,
    proxy: Proxy,
    worker: Worker,
    answer: tokio::task::JoinHandle<std::io::Result<Answer>>,
}

impl Owner {
    async fn new(late: Late, status: u16, store: &Backend, effects: &Effects) -> Self {
        let proxy = Proxy::of(store.socket());
        let worker = Worker::behind(store.guard_at(proxy.socket()), effects).named("first");
        let mut worker = worker.answering(status).stopping_at("effect").start();
        let answer = worker.send("event");
        worker.reaches("effect");
        match late {
            Late::Partition => {
                proxy.hold_everything();
                worker.pass("effect");
            }
            Late::Pause => worker.pause(),
        }
        store.advance(LEASE).await;
        Self {
            late,
            proxy,
            worker,
            answer,
        }
    }

    /// What the store says to its `step`, if it comes to know, and it to its
    /// sender.
    async fn comes(mut self, step: &str) -> (Option<String>, u16) {
        if matches!(self.late, Late::Pause) {
            self.worker.resume();
            self.worker.pass("effect");
        }
        // Which does not wait for a network.
        let answer = self.answer.await.unwrap().unwrap();
        self.proxy.heal();
        let said = format!("answer {step} ");
        let settled = match (self.late, step) {
            // Nobody waits for a release that takes too long.
            (Late::Partition, "release") => None,
            _ => Some(loop {
                // A completion is tried until the network is back.
                let settled = self.worker.says(&said);
                if !settled.contains("failed") {
                    break settled.trim_start_matches(&said).to_owned();
                }
            }),
        };
        // Arrives behind what was held on the way.
        self.worker.answer("event").await;
        (settled, answer.status)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_a_late_completion_changes_nothing_of_what_is_done() {
    for kind in KINDS {
        for late in [Late::Partition, Late::Pause] {
            let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
            let first = Owner::new(late, 200, &store, &effects).await;
            let other = Worker::behind(store.guard(), &effects)
                .named("other")
                .start();
            assert_eq!(other.answer("event").await, Answer::OK);

            // Its effect is there, so its sender may forget the event.
            let settled = first.comes("complete").await;
            assert_eq!(
                settled,
                (Some("AlreadyDone".to_owned()), 200),
                "{kind:?}, {late:?}"
            );
            assert_eq!(store.rows().await, Rows::ONE_DONE);
            assert_eq!(other.answer("event").await, Answer::OK);
            let once_each = [("first".to_owned(), 1), ("other".to_owned(), 2)];
            assert_eq!(effects.of("event").await, once_each, "{kind:?}, {late:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_a_late_release_changes_nothing_of_what_is_done() {
    for kind in KINDS {
        for late in [Late::Partition, Late::Pause] {
            let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
            let first = Owner::new(late, 500, &store, &effects).await;
            let other = Worker::behind(store.guard(), &effects)
                .named("other")
                .start();
            assert_eq!(other.answer("event").await, Answer::OK);

            let (settled, status) = first.comes("release").await;
            assert_eq!(status, 500);
            let refused = settled.is_none_or(|settled| settled == "NotOwner");
            assert!(refused, "{kind:?}, {late:?}");
            assert_eq!(store.rows().await, Rows::ONE_DONE);
            assert_eq!(other.answer("event").await, Answer::OK);
            assert_eq!(effects.count("event").await, 2, "{kind:?}, {late:?}");
        }
    }
}

/// The first owner's steps do not end the second one's lease, either.
#[tokio::test(flavor = "multi_thread")]
async fn c10_a_late_owner_does_not_free_an_event_that_was_taken_over() {
    for kind in KINDS {
        for (step, status, refused) in
            [("complete", 200, "LeaseLost"), ("release", 500, "NotOwner")]
        {
            let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
            let first = Owner::new(Late::Pause, status, &store, &effects).await;
            let other = Worker::behind(store.guard(), &effects).named("other");
            let mut other = other.stopping_at("effect").start();
            let answer = other.send("event");
            other.reaches("effect");

            let settled = first.comes(step).await;
            assert_eq!(settled, (Some(refused.to_owned()), status), "{kind:?}");
            let third = Worker::behind(store.guard(), &effects)
                .named("third")
                .start();
            third.answer("event").await.is_refusal();

            other.pass("effect");
            assert_eq!(answer.await.unwrap().unwrap(), Answer::OK);
            assert_eq!(third.answer("event").await, Answer::OK);
            assert_eq!(store.rows().await, Rows::ONE_DONE);
            let once_each = [("first".to_owned(), 1), ("other".to_owned(), 2)];
            assert_eq!(effects.of("event").await, once_each, "{kind:?}, {step}");
        }
    }
}
