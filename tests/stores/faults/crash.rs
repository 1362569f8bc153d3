//! Workers that are killed.

use std::time::Duration;

use super::rig::{Answer, Backend, Effects, Guard, KINDS, Kind, LEASE, Rows, Worker};

/// Kills a worker that has the event, at `point`. Answers another machine's
/// worker, that stops nowhere.
async fn kill_at(point: &str, guard: Guard, effects: &Effects) -> Worker {
    let worker = Worker::behind(guard.clone(), effects).named("killed");
    let worker = worker.stopping_at(point).start();
    let answer = worker.send("event");
    worker.reaches(point);
    worker.kill();
    let answer = answer.await.unwrap();
    assert!(answer.is_err(), "the dead do not answer: {answer:?}");
    Worker::behind(guard, effects).named("other").start()
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_an_event_whose_owner_died_before_its_effect_runs_after_the_lease() {
    for kind in KINDS {
        for point in ["claimed", "handler"] {
            let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
            let other = kill_at(point, store.guard(), &effects).await;
            other.answer("event").await.is_refusal();
            store.advance(LEASE - Duration::from_secs(20)).await;
            other.answer("event").await.is_refusal();
            assert_eq!(effects.count("event").await, 0, "{kind:?}, {point}");

            store.advance(Duration::from_secs(20)).await;
            assert_eq!(other.answer("event").await, Answer::OK);
            let once = [("other".to_owned(), 2)];
            assert_eq!(effects.of("event").await, once, "{kind:?}, {point}");
            assert_eq!(store.rows().await, Rows::ONE_DONE);
            assert_eq!(other.answer("event").await, Answer::OK);
            assert_eq!(effects.of("event").await, once, "{kind:?}, {point}");
        }
    }
}

/// What a lease cannot prevent, and all that it cannot.
#[tokio::test(flavor = "multi_thread")]
async fn c8_an_event_whose_owner_died_after_its_effect_runs_once_more() {
    for kind in KINDS {
        for point in ["effect", "complete"] {
            let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
            let other = kill_at(point, store.guard(), &effects).await;
            other.answer("event").await.is_refusal();
            store.advance(LEASE).await;
            for _ in 0..2 {
                assert_eq!(other.answer("event").await, Answer::OK);
            }
            let twice = [("killed".to_owned(), 1), ("other".to_owned(), 2)];
            assert_eq!(effects.of("event").await, twice, "{kind:?}, {point}");
            assert_eq!(store.rows().await, Rows::ONE_DONE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_an_event_whose_owner_died_before_the_answer_does_not_run_again() {
    for kind in KINDS {
        let (store, effects) = (Backend::shared(kind).await, Effects::new().await);
        let other = kill_at("completed", store.guard(), &effects).await;
        assert_eq!(other.answer("event").await, Answer::OK);
        assert_eq!(effects.count("event").await, 1, "{kind:?}");
        assert_eq!(store.rows().await, Rows::ONE_DONE);
    }
}

/// Wherever the process dies: no lease has to run out, and nothing runs twice.
#[tokio::test(flavor = "multi_thread")]
async fn c8_in_the_transactional_inbox_the_effect_is_there_exactly_once() {
    for point in ["handler", "effect", "completed"] {
        let (store, effects) = (Backend::shared(Kind::Postgres).await, Effects::new().await);
        let other = kill_at(point, store.inbox(), &effects).await;
        // The server may take a moment to see that nobody is there any more.
        other.acknowledges("event", &store).await;
        let by = match point {
            "completed" => "killed",
            _ => "other",
        };
        let once = [(by.to_owned(), 1)];
        assert_eq!(effects.of("event").await, once, "{point}");
        assert_eq!(other.answer("event").await, Answer::OK);
        assert_eq!(effects.of("event").await, once, "{point}");
        assert_eq!(store.rows().await, Rows::ONE_DONE);
    }
}
