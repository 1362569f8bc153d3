//! Items that are signed one by one, as Adyen's and Microsoft Graph's.

use serde_json::{Value, json};
use tower_webhook::RejectionKind;

use super::{genuine, refusal, scheme, verifier, with_body};
use crate::support::route::Route;

fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Option<RejectionKind> {
    let scheme = scheme(name);
    let request = genuine(&scheme);
    let mut json: Value = serde_json::from_slice(request.body()).unwrap();
    change(&mut json);
    refusal(&verifier(&scheme), &with_body(&request, json.to_string()))
}

const ADYEN_ITEM: &str = "/notificationItems/1/NotificationRequestItem";

#[test]
fn every_item_must_be_genuine() {
    let state = |json: &mut Value| json["value"][1]["clientState"] = json!("guessed");
    assert_eq!(
        changed("microsoft_graph", state),
        Some(RejectionKind::SignatureMismatch)
    );
    let moved = |json: &mut Value| {
        let first =
            json["notificationItems"][0]["NotificationRequestItem"]["additionalData"].clone();
        json["notificationItems"][1]["NotificationRequestItem"]["additionalData"] = first;
    };
    assert_eq!(
        changed("adyen", moved),
        Some(RejectionKind::SignatureMismatch)
    );
}

#[test]
fn an_item_without_a_signature_is_refused() {
    let unsigned = |json: &mut Value| {
        json.pointer_mut(ADYEN_ITEM).unwrap()["additionalData"] = json!({});
    };
    assert_eq!(
        changed("adyen", unsigned),
        Some(RejectionKind::MissingSignature)
    );
    let stateless = |json: &mut Value| {
        json["value"]
            .as_array_mut()
            .unwrap()
            .push(json!({"changeType": "created"}));
    };
    assert_eq!(
        changed("microsoft_graph", stateless),
        Some(RejectionKind::MissingSignature)
    );
}

/// Nothing is proved by a list of nothing.
#[test]
fn no_items_are_no_proof() {
    for (name, items) in [("adyen", "notificationItems"), ("microsoft_graph", "value")] {
        let empty = changed(name, |json| json[items] = json!([]));
        assert_eq!(empty, Some(RejectionKind::SignatureMismatch), "{name}");
        for other in [json!({}), json!("x"), json!(1)] {
            let refused = changed(name, |json| json[items] = other);
            assert_eq!(refused, Some(RejectionKind::MalformedBody), "{name}");
        }
        let absent = changed(name, |json| *json = json!({}));
        assert_eq!(absent, Some(RejectionKind::MalformedBody), "{name}");
    }
}

#[test]
fn f17_a_repeated_key_on_the_way_to_a_signed_value_is_refused() {
    let scheme = scheme("adyen");
    let request = genuine(&scheme);
    let text = String::from_utf8(request.body().to_vec()).unwrap();
    for (from, to) in [
        (
            r#""success":"true""#,
            r#""success":"true","success":"false""#,
        ),
        (
            r#"{"notificationItems""#,
            r#"{"notificationItems":[],"notificationItems""#,
        ),
        (
            r#""additionalData":{"#,
            r#""additionalData":{"hmacSignature":"x","#,
        ),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let body = text.replacen(from, to, 1);
        let refused = refusal(&verifier(&scheme), &with_body(&request, body));
        assert_eq!(refused, Some(RejectionKind::MalformedBody), "{to}");
    }
}

#[test]
fn each_signed_value_is_signed_and_no_other() {
    for (value, new) in [
        ("pspReference", json!("9")),
        ("originalReference", json!("9")),
        ("merchantReference", json!("9")),
        ("merchantAccountCode", json!("9")),
        ("eventCode", json!("REFUND")),
        ("success", json!("false")),
        ("amount", json!({"value": 1, "currency": "EUR"})),
    ] {
        let refused = changed("adyen", |json| {
            json.pointer_mut(ADYEN_ITEM).unwrap()[value] = new
        });
        assert_eq!(refused, Some(RejectionKind::SignatureMismatch), "{value}");
    }
    let reason = |json: &mut Value| json.pointer_mut(ADYEN_ITEM).unwrap()["reason"] = json!("x");
    assert_eq!(changed("adyen", reason), None);
}

/// What is not signed may change between attempts; the event is the same.
#[tokio::test]
async fn c15_a_batch_is_known_by_the_ids_of_all_its_items() {
    let scheme = scheme("adyen");
    let route = Route::new(verifier(&scheme));
    let request = genuine(&scheme);
    route.accepts(request.clone(), "the batch").await;
    let mut json: Value = serde_json::from_slice(request.body()).unwrap();
    json.pointer_mut(ADYEN_ITEM).unwrap()["reason"] = json!("again");
    route
        .recognises(with_body(&request, json.to_string()), "the same events")
        .await;
    json["notificationItems"].as_array_mut().unwrap().pop();
    route
        .accepts(with_body(&request, json.to_string()), "one of them")
        .await;
}

#[test]
fn f18_deep_and_long_bodies_are_bounded_work() {
    for name in ["adyen", "microsoft_graph", "mailgun"] {
        let scheme = scheme(name);
        let request = genuine(&scheme);
        let deep = "[".repeat(100_000);
        let many = format!(
            r#"{{"value":[{0}],"notificationItems":[{0}]}}"#,
            ["{}"; 100_000].join(",")
        );
        for body in [deep, many] {
            assert!(
                refusal(&verifier(&scheme), &with_body(&request, body)).is_some(),
                "{name}"
            );
        }
    }
}
