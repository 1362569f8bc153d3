//! What is forgotten must not be remembered here.

use super::*;

#[tokio::test]
async fn c28_what_is_forgotten_runs_again() {
    let (store, _) = store(100);
    process(&store, 1, 1).await;
    assert!(store.forget(&key(1)).await.unwrap());
    let again = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(again, Claimed::Won { attempt: 1 });
}

#[tokio::test]
async fn c28_an_answer_from_before_the_event_was_forgotten_is_not_remembered() {
    for step in ["claim", "complete"] {
        for cancel in [false, true] {
            let (store, _) = store(100);
            store.claim(&claim(1, 1)).await.unwrap();
            if step == "claim" {
                let elsewhere = &store.get_ref().store;
                elsewhere.complete(&key(1), owner(1), DONE).await.unwrap();
            }
            let answer = store.get_ref().hold(Slow::Answer);
            let again = claim(1, 2);
            let mut late: StoreFuture<'_, String> = match step {
                "claim" => Box::pin(async { Ok(format!("{:?}", store.claim(&again).await?)) }),
                _ => {
                    let complete = store.complete(&again.key, owner(1), DONE);
                    Box::pin(async { Ok(format!("{:?}", complete.await?)) })
                }
            };
            assert!(poll_once(&mut late).is_none(), "the answer is held back");
            if cancel {
                // The operator's request is cut off, and was received.
                let _held = store.get_ref().hold(Slow::Answer);
                let key = key(1);
                let mut forget = store.forget(&key);
                assert!(poll_once(&mut forget).is_none());
            } else {
                assert!(store.forget(&key(1)).await.unwrap());
            }
            answer.send(()).unwrap();
            let late = late.await.unwrap();
            assert!(late.contains("Du") || late == "Done", "{late}");
            let next = store.claim(&claim(1, 3)).await.unwrap();
            assert_eq!(next, Claimed::Won { attempt: 1 }, "{step}, {cancel}");
        }
    }
}

/// One that began before the store forgot the event, and after that began.
#[tokio::test]
async fn c28_an_answer_from_while_the_event_is_forgotten_is_not_remembered() {
    let (store, _) = store(100);
    process(&store, 1, 1).await;
    let request = store.get_ref().hold(Slow::Request);
    let key = key(1);
    let mut forget = store.forget(&key);
    assert!(poll_once(&mut forget).is_none());
    let known = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(known, duplicate(TTL));
    request.send(()).unwrap();
    assert!(forget.await.unwrap());
    let next = store.claim(&claim(1, 3)).await.unwrap();
    assert_eq!(next, Claimed::Won { attempt: 1 });
}

/// The machine where an operator made the store forget is another one.
#[tokio::test]
async fn c28_what_another_machine_forgot_runs_again_after_a_while() {
    let (store, clock) = store(100);
    process(&store, 1, 1).await;
    store.get_ref().store.forget(&key(1)).await.unwrap();
    let stale = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(stale, duplicate(TTL));
    clock.advance(ReadThrough::<Remote>::MAX_AGE);
    let again = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(again, Claimed::Won { attempt: 1 });
}
