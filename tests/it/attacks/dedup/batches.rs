//! C15: deliveries of several events, known by all their ids.

use http_body_util::Full;
use tower_webhook::provider;
use tower_webhook::signature::Scheme;

use crate::support_dedup::*;

/// A delivery of events with these ids; what it says of `attempt` is no part of
/// what happened.
type Body = fn(ids: &[&str], attempt: u32) -> String;

fn joined(ids: &[&str], event: impl Fn(&str) -> String) -> String {
    let events: Vec<String> = ids.iter().map(|id| event(id)).collect();
    events.join(",")
}

fn providers() -> Vec<(Scheme, Body)> {
    let grid: Body = |ids, attempt| {
        let event = |id: &str| format!(r#"{{"topic":"/t","id":"{id}","data":{attempt}}}"#);
        format!("[{}]", joined(ids, event))
    };
    let gocardless: Body = |ids, attempt| {
        let event = |id: &str| format!(r#"{{"id":"{id}","action":"active"}}"#);
        let events = joined(ids, event);
        format!(r#"{{"events":[{events}],"meta":{{"webhook_id":"WB{attempt}"}}}}"#)
    };
    let line: Body = |ids, attempt| {
        let again = attempt > 1;
        let event = |id: &str| {
            format!(
                r#"{{"type":"message","webhookEventId":"{id}","deliveryContext":{{"isRedelivery":{again}}}}}"#
            )
        };
        let events = joined(ids, event);
        format!(r#"{{"destination":"U1","events":[{events}]}}"#)
    };
    vec![
        (provider::gocardless(), gocardless),
        (provider::line(), line),
        (provider::azure_event_grid_query(), grid),
        (provider::azure_event_grid_header(), grid),
    ]
}

fn delivery(receiver: &Receiver, body: String) -> Incoming {
    receiver.signer().sign("/hook", body).map(Full::new)
}

#[tokio::test]
async fn c15_two_attempts_of_one_batch_are_one_event() {
    for (scheme, body) in providers() {
        for ids in [&["a"][..], &["a", "b"], &["a", "b", "c"]] {
            let receiver = Receiver::new(scheme.clone());
            let attempt = |attempt| delivery(&receiver, body(ids, attempt));
            receiver.send(attempt(1)).await.assert_handled(200);
            receiver.send(attempt(2)).await.assert_duplicate();
            receiver.send(attempt(1)).await.assert_duplicate();
            receiver.assert_calls(1);
            receiver.assert_rows(1);
        }
    }
}

#[tokio::test]
async fn c15_a_batch_of_other_events_is_another() {
    let batches: [&[&str]; 9] = [
        &["a"],
        &["b"],
        &["a", "b"],
        &["b", "a"],
        &["a", "b", "c"],
        &["a", "a", "b"],
        &["ab"],
        &["a,b"],
        &["a\\u001f", "b"],
    ];
    for (scheme, body) in providers() {
        let receiver = Receiver::new(scheme);
        for ids in batches {
            let answer = receiver.send(delivery(&receiver, body(ids, 1))).await;
            answer.assert_handled(200);
        }
        receiver.assert_calls(batches.len());
        receiver.assert_rows(batches.len());
    }
}

/// The ids of two topics have nothing to do with each other.
#[tokio::test]
async fn c13_an_id_of_event_grid_belongs_to_its_topic() {
    let receiver = Receiver::new(provider::azure_event_grid_header());
    for body in [
        r#"[{"topic":"/t","id":"1"}]"#,
        r#"[{"topic":"/t1","id":"1"}]"#,
        r#"[{"topic":"/t","id":"11"}]"#,
        r#"[{"topic":"/t","id":"1"},{"topic":"/t1","id":"1"}]"#,
        r#"[{"topic":"/t1","id":"1"},{"topic":"/t","id":"1"}]"#,
    ] {
        let answer = receiver.send(delivery(&receiver, body.into())).await;
        answer.assert_handled(200);
    }
    receiver.assert_calls(5);
}

/// Deliveries without ids, or without events, are known by their content.
#[tokio::test]
async fn c15_what_has_no_ids_is_known_by_its_content() {
    for (scheme, bodies) in [
        (
            provider::azure_event_grid_header(),
            [
                r#"{"specversion":"1.0","id":"1","source":"/a"}"#,
                r#"{"specversion":"1.0","id":"1","source":"/b"}"#,
                r#"[{"id":"1","source":"/a"},{"id":"2","source":"/a"}]"#,
                r#"[{"id":"1","eventType":"without a topic"}]"#,
            ],
        ),
        (
            provider::line(),
            [
                r#"{"destination":"U1","events":[]}"#,
                r#"{"destination":"U2","events":[]}"#,
                r#"{"destination":"U1"}"#,
                r#"{"events":[{"webhookEventId":"a"},{}]}"#,
            ],
        ),
    ] {
        let receiver = Receiver::new(scheme);
        for body in bodies {
            let deliver = || delivery(&receiver, body.into());
            receiver.send(deliver()).await.assert_handled(200);
            receiver.send(deliver()).await.assert_duplicate();
        }
        receiver.assert_calls(bodies.len());
    }
}
