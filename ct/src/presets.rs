//! Every preset with a secret that both sides share.

use http::{HeaderValue, Request};
use tower_webhook::Secret;
use tower_webhook::provider::http_signature::HttpSignature;
use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{Algorithm, Scheme, Source};
use tower_webhook::testing::Signer;

use crate::case::{Body, Case, NOW};
use crate::requests::{KEYS, OTHER};

/// Holds what the presets read from it.
const BODY: &str = r#"{"id":"evt_1","event_id":"ev_1","type":"t","event_type":"t","webhookTimestamp":1700000000000,"webhookMetadata":{"webhookDeliveryAttemptTimestamp":"2023-11-14T22:13:20Z"},"update_id":1,"task_result_id":"evt_1","eventId":"evt_1","event":{"id":"evt_1"},"check_id":1,"state_changed_timestamp":2,"current_state":"UP","notification_type":"upload","public_id":"dog","event-data":{"id":"e","event":"opened"}}"#;
const MAILGUN: &str = r#"{"signature":{"timestamp":"1700000000","token":"t"}}"#;
const ITEMS: &str = r#"{"notificationItems":[{"NotificationRequestItem":{"pspReference":"1","eventCode":"AUTHORISATION","success":"true"}},{"NotificationRequestItem":{"pspReference":"2","eventCode":"CAPTURE","success":"true"}}],"value":[{"changeType":"updated"},{"changeType":"deleted"}]}"#;
const FORM: &str = "bt_payload=cGF5bG9hZA%3D%3D%0A";

/// A genuine and a forged delivery for each.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for preset in provider::all() {
        let scheme = match preset {
            Preset::Signed(scheme) => scheme,
            Preset::Unsigned(unsigned) => unsigned.with_token_in_query("token"),
            other => panic!("a kind of preset that is not known here: {other:?}"),
        };
        if scheme.protocol().is_some() {
            continue;
        }
        let mut add = |key, accepted| both_ways(&mut cases, &scheme, sign(&scheme, key), accepted);
        add(KEYS[0], true);
        add(OTHER, false);
    }
    in_code(&mut cases);
    cases
}

fn sign(scheme: &Scheme, key: &[u8]) -> Request<bytes::Bytes> {
    let body = match scheme.name() {
        _ if scheme.each().is_some() => ITEMS,
        "mailgun" => MAILGUN,
        "braintree" => FORM,
        _ => BODY,
    };
    let mut request = Signer::new(scheme.clone(), Secret::from_bytes(key))
        .expect("a key of any form")
        .at(NOW)
        .sign("/hook", body);
    if scheme.name() == "braintree" {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert("content-type", form);
    }
    request
}

fn both_ways(
    cases: &mut Vec<Case>,
    scheme: &Scheme,
    request: Request<bytes::Bytes>,
    accepted: bool,
) {
    let in_header = |source: &Source| matches!(source, Source::Header(_) | Source::Query(_));
    let verdicts = match scheme.algorithm() {
        _ if !accepted => 1,
        _ if scheme.each().is_some() => 2,
        Algorithm::Token if scheme.signatures().iter().all(in_header) => 2,
        _ => 1,
    };
    for body in [Body::Whole, Body::Pieces] {
        cases.push(Case {
            family: format!("preset {}, {body:?}", scheme.name()),
            shape: "1 keys, 1 signatures".to_owned(),
            what: if accepted { "genuine" } else { "forged" }.to_owned(),
            scheme: scheme.clone(),
            keys: vec![KEYS[0].to_vec()],
            request: request.clone(),
            body,
            accepted,
            verdicts,
        });
    }
}

/// What is code and not data, and is not signed from itself: requests that
/// were signed elsewhere.
fn in_code(cases: &mut Vec<Case>) {
    let body = r#"{"hello": "world"}"#;
    let request = Request::post("/webhook?from=acme")
        .header(
            "content-digest",
            "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        )
        .header(
            "signature-input",
            r#"sig=("@method" "@path" "@query" "content-digest");created=1700000000;keyid="acme""#,
        )
        .header(
            "signature",
            "sig=:5BJXiAhkRctK8/ibmTtq8RzJOMpJJG8VeSUM8HUEpdE=:",
        );
    let scheme = Scheme::from(HttpSignature::hmac_sha256().with_key_id("acme"));
    with_keys(cases, &scheme, &build(request, body), b"a-shared-secret");

    let request = Request::post("https://example.com/webhook")
        .header(
            "x-contentful-signed-headers",
            "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
        )
        .header("x-contentful-timestamp", "1700000000000")
        .header("x-contentful-topic", "ContentManagement.Entry.publish")
        .header(
            "x-contentful-signature",
            "3b5b16630b15ce482083c9a4f4a812caf0f6adf94a11103e7b41ca6f488f6f58",
        );
    let body = r#"{"type":"example","name":"J\u00f6rg","n":1}"#;
    let scheme = provider::contentful();
    with_keys(cases, &scheme, &build(request, body), &[b'a'; 64]);
}

fn build(request: http::request::Builder, body: &'static str) -> Request<bytes::Bytes> {
    request.body(body.into()).expect("valid headers")
}

/// Accepted with `key`, and refused with another.
fn with_keys(cases: &mut Vec<Case>, scheme: &Scheme, request: &Request<bytes::Bytes>, key: &[u8]) {
    let first = cases.len();
    both_ways(cases, scheme, request.clone(), true);
    both_ways(cases, scheme, request.clone(), false);
    for case in &mut cases[first..] {
        case.keys = vec![if case.accepted { key } else { OTHER }.to_vec()];
    }
}
