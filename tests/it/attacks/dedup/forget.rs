//! C28: an operator has an event processed again.

use http::StatusCode;
use tower_webhook::delivery::{EventId, Tenant};
use tower_webhook::provider;

use crate::support_dedup::*;

fn id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

#[tokio::test]
async fn c28_a_forgotten_event_is_processed_again() {
    for scheme in [
        provider::stripe(),
        provider::github(),
        provider::gitlab_token(),
    ] {
        let receiver = Receiver::new(scheme);
        let body = r#"{"id":"evt_1"}"#;
        let deliver = async || receiver.send(receiver.delivery_with("evt_1", body)).await;
        deliver().await.assert_handled(200);
        deliver().await.assert_duplicate();

        assert!(!receiver.layer.forget(None, &id("evt_2")).await.unwrap());
        let tenant = Tenant::new("a");
        assert!(
            !receiver
                .layer
                .forget(Some(&tenant), &id("evt_1"))
                .await
                .unwrap()
        );
        deliver().await.assert_duplicate();

        assert!(receiver.layer.forget(None, &id("evt_1")).await.unwrap());
        deliver().await.assert_handled(200);
        deliver().await.assert_duplicate();
        receiver.assert_calls(2);
    }
}

/// Where ids are not signed, the permit is for the one id and for one time.
#[tokio::test]
async fn c28_the_permit_is_used_once_and_by_nobody_else() {
    let receiver = Receiver::new(provider::github());
    let deliver = async |id: &str| receiver.send(receiver.delivery_with(id, "{}")).await;
    deliver("evt_1").await.assert_handled(200);
    receiver.layer.forget(None, &id("evt_1")).await.unwrap();
    deliver("evt_2").await.assert_duplicate();
    deliver("evt_1").await.assert_handled(200);
    for id in ["evt_1", "evt_2", "evt_1"] {
        deliver(id).await.assert_duplicate();
    }
    receiver.assert_calls(2);

    // Permits do not add up.
    receiver.layer.forget(None, &id("evt_1")).await.unwrap();
    receiver.layer.forget(None, &id("evt_1")).await.unwrap();
    deliver("evt_1").await.assert_handled(200);
    deliver("evt_1").await.assert_duplicate();
    receiver.assert_calls(3);
}

#[tokio::test]
async fn c28_the_permit_holds_until_the_run_succeeds() {
    let receiver = Receiver::with_handler(provider::github(), async |call, _| match call {
        2 => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    });
    let deliver = async || receiver.send(receiver.delivery_with("evt_1", "{}")).await;
    deliver().await.assert_handled(200);
    receiver.layer.forget(None, &id("evt_1")).await.unwrap();
    deliver().await.assert_handled(500);
    deliver().await.assert_handled(200);
    deliver().await.assert_duplicate();
    receiver.assert_calls(3);
}

/// A permit is not left behind for an event that is not known: its own second
/// delivery would use it.
#[tokio::test]
async fn c28_there_is_no_permit_for_an_unknown_event() {
    let receiver = Receiver::new(provider::github());
    assert!(!receiver.layer.forget(None, &id("evt_1")).await.unwrap());
    receiver.assert_rows(0);
    let deliver = async || receiver.send(receiver.delivery_with("evt_1", "{}")).await;
    deliver().await.assert_handled(200);
    deliver().await.assert_duplicate();
    receiver.assert_calls(1);
}

/// Whichever step fails, the operator can ask again.
#[tokio::test]
async fn c28_a_forget_that_fails_can_be_repeated() {
    for op in [Op::Forget, Op::Claim] {
        for fault in [Fault::Fails, Fault::LosesReply] {
            let receiver = Receiver::new(provider::github());
            let deliver = async || receiver.send(receiver.delivery_with("evt_1", "{}")).await;
            deliver().await.assert_handled(200);
            receiver.store.break_next(op, fault, 1);
            let failed = receiver.layer.forget(None, &id("evt_1")).await;
            failed.unwrap_err();
            let known = receiver.layer.forget(None, &id("evt_1")).await.unwrap();
            let was_forgotten = matches!((op, fault), (Op::Forget, Fault::LosesReply));
            assert_eq!(known, !was_forgotten);
            deliver().await.assert_handled(200);
            deliver().await.assert_duplicate();
            receiver.assert_calls(2);
        }
    }
}

/// The store fails while the permit is being used.
#[tokio::test]
async fn c28_a_permit_is_not_lost_to_a_failing_store() {
    let receiver = Receiver::new(provider::github());
    let deliver = async || receiver.send(receiver.delivery_with("evt_1", "{}")).await;
    deliver().await.assert_handled(200);
    receiver.layer.forget(None, &id("evt_1")).await.unwrap();
    receiver.store.plan(Op::Forget, [None, Some(Fault::Fails)]);
    assert_eq!(deliver().await.status, 503);
    deliver().await.assert_handled(200);
    deliver().await.assert_duplicate();
    receiver.assert_calls(2);
}
