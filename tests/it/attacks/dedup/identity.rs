//! What is the same event, and what is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_webhook::delivery::Tenant;
use tower_webhook::signature::{ConflictPolicy, Source};
use tower_webhook::testing::Signer;
use tower_webhook::{ConfigError, RejectionKind, Secret, Secrets, Verifier, provider};

use crate::support_dedup::*;

/// base64 with and without padding, hex in both cases: the same MAC.
#[tokio::test]
async fn c12_a_signature_in_another_spelling_is_the_same_event() {
    let receiver = Receiver::new(provider::shopify());
    let header = "shopify-hmac-sha256";
    let genuine = receiver.delivery_with("evt_1", "{}");
    let mac = STANDARD.decode(&genuine.headers()[header]).unwrap();
    receiver.send(genuine).await.assert_handled(200);
    for (id, signature, accepted) in [
        ("evt_1", STANDARD_NO_PAD.encode(&mac), false),
        ("evt_2", URL_SAFE.encode(&mac), false),
        ("evt_3", STANDARD.encode(&mac), true),
    ] {
        if !accepted && signature == STANDARD.encode(&mac) {
            continue; // this MAC reads the same in both alphabets
        }
        let mut copy = receiver.delivery_with(id, "{}");
        let signature = HeaderValue::from_str(&signature).unwrap();
        copy.headers_mut().insert(header, signature);
        let answer = receiver.send(copy).await;
        match accepted {
            true => answer.assert_duplicate(),
            false => assert_eq!(answer.status, 401),
        }
    }
    // White space around a value is HTTP's, not the value's: a copy over a
    // socket is in `replay`.

    let receiver = Receiver::new(provider::github());
    let header = "x-hub-signature-256";
    let genuine = receiver.delivery_with("evt_1", "{}");
    let signature = genuine.headers()[header].to_str().unwrap().to_owned();
    receiver.send(genuine).await.assert_handled(200);
    let mut copy = receiver.delivery_with("evt_2", "{}");
    let upper = signature.to_uppercase().replace("SHA256", "sha256");
    let upper = HeaderValue::from_str(&upper).unwrap();
    copy.headers_mut().insert(header, upper);
    receiver.send(copy).await.assert_duplicate();
    receiver.assert_calls(1);
    receiver.assert_rows(2);
}

#[tokio::test]
async fn c13_tenants_endpoints_and_providers_have_ids_of_their_own() {
    let receiver = Receiver::new(provider::github());
    let send = async |layer: tower_webhook::WebhookLayer, tenant: Option<&'static str>| {
        let mut request = receiver.delivery_with("evt_1", "{}");
        if let Some(tenant) = tenant {
            request.extensions_mut().insert(Tenant::new(tenant));
        }
        let inner = handler(&receiver.calls, async |_, _| StatusCode::OK);
        let service = layer.layer(inner);
        Answer::of(tower::ServiceExt::oneshot(service, request).await.unwrap())
    };
    for tenant in [None, Some(""), Some("a"), Some("b")] {
        for endpoint in ["", "a", "b"] {
            let layer = receiver.layer.clone().with_endpoint(endpoint);
            send(layer.clone(), tenant).await.assert_handled(200);
            send(layer, tenant).await.assert_duplicate();
        }
    }
    receiver.assert_calls(12);

    // One store for two providers.
    let other = Receiver::new(provider::shopify());
    let layer = other
        .layer
        .clone()
        .with_store(Arc::clone(&receiver.store) as _);
    let service = layer
        .unwrap()
        .layer(handler(&receiver.calls, async |_, _| StatusCode::OK));
    let request = other.delivery_with("evt_1", "{}");
    let answer = tower::ServiceExt::oneshot(service, request).await.unwrap();
    Answer::of(answer).assert_handled(200);
    receiver.assert_calls(13);
    receiver.assert_rows(26);
}

#[tokio::test]
async fn c14_names_that_concatenate_alike_are_apart() {
    let receiver = Receiver::new(provider::stripe());
    let mut calls = 0;
    for (endpoint, tenant, id) in [
        ("ab", "c", "d"),
        ("a", "bc", "d"),
        ("abc", "", "d"),
        ("ab", "", "cd"),
        ("", "abc", "d"),
        ("a", "b", "cd"),
    ] {
        let layer = receiver.layer.clone().with_endpoint(endpoint);
        let service = layer.layer(handler(&receiver.calls, async |_, _| StatusCode::OK));
        let mut request = receiver.delivery(id);
        request.extensions_mut().insert(Tenant::new(tenant));
        let answer = tower::ServiceExt::oneshot(service, request).await.unwrap();
        Answer::of(answer).assert_handled(200);
        calls += 1;
    }
    receiver.assert_calls(calls);
    receiver.assert_rows(calls);
}

#[tokio::test]
async fn c15_another_body_under_a_known_id() {
    for policy in [ConflictPolicy::Reject, ConflictPolicy::Ignore] {
        let scheme = provider::stripe().with_conflict(policy);
        let receiver = Receiver::new(scheme);
        let deliver = async |extra: &str| {
            let body = format!(r#"{{"id":"evt_1","x":"{extra}"}}"#);
            let request = receiver.signer().sign("/hook", body);
            receiver.send(request.map(http_body_util::Full::new)).await
        };
        deliver("a").await.assert_handled(200);
        deliver("a").await.assert_duplicate();
        let other = deliver("b").await;
        match policy {
            ConflictPolicy::Reject => {
                other.assert_refused(422, RejectionKind::EventConflict);
            }
            _ => other.assert_duplicate(),
        }
        receiver.assert_calls(1);
        receiver.assert_rows(1);
    }
}

#[tokio::test]
async fn c16_an_unverified_request_leaves_no_trace() {
    let receiver = Receiver::new(provider::github());
    let forged = Signer::new(provider::github(), "another").unwrap();
    let forged = forged.with_event_id("evt_1").sign("/hook", "{}");
    let answer = receiver.send(forged.map(http_body_util::Full::new)).await;
    answer.assert_refused(401, RejectionKind::SignatureMismatch);
    receiver.assert_calls(0);
    receiver.assert_rows(0);
    assert_eq!(receiver.store.asked(Op::Claim), 0);

    let genuine = receiver.delivery_with("evt_1", "{}");
    receiver.send(genuine).await.assert_handled(200);
    receiver.assert_calls(1);
}

#[tokio::test]
async fn c17_ids_that_cannot_be_used_are_refused() {
    let receiver = Receiver::new(provider::stripe());
    let long = "x".repeat(1024 * 1024 - 100);
    for id in ["", "a\\u0000", "a\\r\\nb", &"x".repeat(256), &long] {
        let answer = receiver.send(receiver.delivery(id)).await;
        answer.assert_refused(400, RejectionKind::InvalidEventId);
    }
    receiver.assert_calls(0);
    receiver.assert_rows(0);
    assert_eq!(receiver.store.asked(Op::Claim), 0);

    let longest = "x".repeat(255);
    receiver
        .send(receiver.delivery(&longest))
        .await
        .assert_handled(200);

    // In a header.
    let receiver = Receiver::new(provider::github());
    let mut bad: Vec<HeaderValue> = vec![HeaderValue::from_static("")];
    bad.push(HeaderValue::from_str(&"x".repeat(256)).unwrap());
    bad.push(HeaderValue::from_bytes(b"a\xff").unwrap());
    bad.push(HeaderValue::from_bytes(b"a\tb").unwrap());
    for id in bad {
        let mut request = receiver.delivery_with("evt", "{}");
        request.headers_mut().insert("x-github-delivery", id);
        let answer = receiver.send(request).await;
        answer.assert_refused(400, RejectionKind::InvalidEventId);
    }
    let mut twice = receiver.delivery_with("evt_1", "{}");
    let second = HeaderValue::from_static("evt_2");
    twice.headers_mut().append("x-github-delivery", second);
    let answer = receiver.send(twice).await;
    answer.assert_refused(400, RejectionKind::InvalidEventId);
    receiver.assert_calls(0);
    receiver.assert_rows(0);
}

/// What Dropbox sends of two changes in one account is the same twice.
#[tokio::test]
async fn events_that_are_the_same_bytes_all_reach_the_handler() {
    let receiver = Receiver::new(provider::dropbox());
    let notification = || receiver.delivery_with("", r#"{"list_folder":{"accounts":["a"]}}"#);
    for _ in 0..3 {
        receiver.send(notification()).await.assert_handled(200);
    }
    receiver.assert_calls(3);
    receiver.assert_rows(0);

    // The store is not asked.
    receiver.store.break_all(Fault::Fails);
    receiver.send(notification()).await.assert_handled(200);
    assert_eq!(receiver.store.asked(Op::Claim), 0);

    let panicking = Receiver::with_handler(provider::dropbox(), async |_, _| panic!("a bug"));
    let answer = panicking.send(panicking.delivery_with("", "{}")).await;
    answer.assert_refused(500, RejectionKind::HandlerPanicked);

    let mut forged = notification();
    let header = HeaderValue::from_str(&"0".repeat(64)).unwrap();
    forged.headers_mut().insert("x-dropbox-signature", header);
    let answer = receiver.send(forged).await;
    answer.assert_refused(401, RejectionKind::SignatureMismatch);
}

/// The property is about deliveries without an id.
#[tokio::test]
async fn an_id_tells_events_apart_although_their_content_does_not() {
    let scheme = provider::stripe()
        .with_optional_event_id([Source::pointer("/id")])
        .without_content_identity();
    let receiver = Receiver::new(scheme.clone());
    let without = || receiver.signer().sign("/hook", "{}").map(Full::new);
    for _ in 0..2 {
        receiver.send(without()).await.assert_handled(200);
    }
    let with = || receiver.delivery("evt_1");
    receiver.send(with()).await.assert_handled(200);
    receiver.send(with()).await.assert_duplicate();
    receiver.assert_calls(3);
    receiver.assert_rows(1);

    // An id that is always sent is demanded all the same.
    let receiver = Receiver::new(provider::stripe().without_content_identity());
    let without = receiver.signer().sign("/hook", "{}").map(Full::new);
    let answer = receiver.send(without).await;
    answer.assert_refused(400, RejectionKind::MissingEventId);
}

/// Nothing would be left that knows a replay under another id.
#[test]
fn an_unsigned_id_needs_the_content_beside_it() {
    let scheme = provider::github().without_content_identity();
    assert!(matches!(
        Verifier::new(scheme, SECRET),
        Err(ConfigError::InvalidScheme { .. })
    ));
    let token = provider::gitlab_token().without_content_identity();
    assert!(Verifier::new(token, SECRET).is_ok());
}

#[tokio::test]
async fn c18_a_retry_signed_with_the_next_secret_is_the_same_event() {
    for scheme in [provider::stripe(), provider::github()] {
        let receiver = Receiver::new(scheme.clone());
        let both = Secrets::from([Secret::new("next").with_label("next"), Secret::new(SECRET)]);
        let layer = tower_webhook::WebhookLayer::new(Verifier::new(scheme.clone(), both).unwrap())
            .with_clock(Arc::clone(&receiver.clock) as _)
            .with_store(Arc::clone(&receiver.store) as _)
            .unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let service = layer.layer(handler(&calls, async |_, _| StatusCode::OK));

        let body = r#"{"id":"evt_1"}"#;
        let sign = |secret: &str| {
            let signer = Signer::new(scheme.clone(), secret).unwrap().at(NOW);
            let request = signer.with_event_id("evt_1").sign("/hook", body);
            assert_eq!(request.method(), Method::POST);
            request.map(http_body_util::Full::new)
        };
        receiver.send(sign(SECRET)).await.assert_handled(200);
        for secret in ["next", SECRET] {
            let answer = tower::ServiceExt::oneshot(service.clone(), sign(secret)).await;
            Answer::of(answer.unwrap()).assert_duplicate();
        }
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        receiver.assert_calls(1);
    }
}
