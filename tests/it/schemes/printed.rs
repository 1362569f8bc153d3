//! H1: what `Debug` and `Display` show of what verification handles. Never a
//! secret, a signature, a key or content.

use std::sync::Arc;

use tower_webhook::dedup::DedupLayer;
use tower_webhook::signature::{EventId, PublicKey, Statement};
use tower_webhook::store::{MemoryStore, ReadThrough, StoreError};
use tower_webhook::{Secret, Timestamp, Verifier, provider};

use crate::support::keys::sender;
use crate::support::{NOW, SECRET, genuine};

#[test]
fn h1_a_statement_shows_neither_content_nor_signature() {
    let statement = Statement::new("the-content", "the-signature")
        .or_content("another-content")
        .or_signature("another-signature")
        .with_timestamp(Timestamp::from_unix_seconds(1_700_000_000));
    let shown = format!("{statement:?}");
    assert!(shown.contains("2023-11-14"), "{shown}");
    for part in ["content", "signature", "[116, 104, 101"] {
        assert!(!shown.contains(part), "{shown}");
    }
}

#[test]
fn h1_a_public_key_shows_how_many_certificates_it_came_with() {
    let pem = include_str!("../../keys/rsa_1_public.pem");
    let key = PublicKey::from_pem(pem).unwrap();
    let shown = format!("{key:?}");
    assert_eq!(shown, "PublicKey { certificates: 0, .. }");
    let error = PublicKey::from_pem("not a key").unwrap_err();
    assert!(error.to_string().starts_with("not a public key"), "{error}");
}

#[test]
fn an_event_id_is_shown_as_it_is() {
    let id = EventId::new("evt_1").unwrap();
    assert_eq!(format!("{id} {id:?}"), r#"evt_1 "evt_1""#);
    let error = EventId::new("").unwrap_err();
    assert!(error.to_string().starts_with("the event id is empty"));
}

#[test]
fn h1_a_verdict_shows_who_sent_what_when_and_nothing_of_it() {
    let scheme = provider::slack();
    let secret = Secret::new(SECRET).with_label("next");
    let verifier = Verifier::new(scheme.clone(), secret).unwrap();
    let shown = format!("{verifier:?}");
    assert_eq!(shown, r#"Verifier { scheme: "slack", secrets: 1, .. }"#);

    let (parts, body) = genuine(&scheme).into_parts();
    let mut check = verifier.begin(&parts, NOW).unwrap();
    check.update(body.slice(..3));
    let shown = format!("{check:?}");
    assert_eq!(shown, r#"Check { scheme: "slack", received: 3, .. }"#);

    let verified = verifier.verify(&parts, &body, NOW).unwrap();
    assert_eq!(verified.provider(), "slack");
    assert_eq!(verified.timestamp(), Some(NOW));
    assert_eq!(verified.key_label(), Some("next"));
    assert_eq!(
        format!("{verified:?}"),
        "Verified { provider: \"slack\", timestamp: Some(Timestamp(2023-11-14T22:13:20Z)), \
         key_label: Some(\"next\"), .. }"
    );
}

#[tokio::test]
async fn h1_a_layer_and_its_parts_show_no_secret() {
    use tower::{Layer, Service, service_fn};

    let scheme = provider::stripe();
    let verifier = Verifier::new(scheme.clone(), sender(&scheme).verifying_secret()).unwrap();
    let dedup = DedupLayer::in_memory();
    let (parts, body) = sender(&scheme)
        .sign("/hook", r#"{"id":"evt_1"}"#)
        .into_parts();
    let inner = service_fn(async |_: http::Request<tower_webhook::VerifiedBody>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let layer = tower_webhook::VerifyLayer::new(verifier);
    let mut service = layer.layer(dedup.layer(inner));
    let request = http::Request::from_parts(parts, http_body_util::Full::new(body));
    let future = service.call(request);
    let shown = format!("{layer:?} {dedup:?} {future:?}");
    assert!(shown.contains("ResponseFuture"), "{shown}");
    for secret in ["7365637265", "secret-secret", "evt_1", "v1="] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert!(future.await.unwrap().status().is_success());
}

#[test]
fn a_store_says_what_is_the_matter() {
    use std::error::Error;

    assert_eq!(StoreError::Full.to_string(), "the store is full");
    assert!(StoreError::Full.source().is_none());
    let error = StoreError::unavailable("no route to host");
    assert_eq!(error.to_string(), "the store is unavailable");
    assert_eq!(error.source().unwrap().to_string(), "no route to host");
    let store = ReadThrough::new(Arc::new(MemoryStore::default()), 100).unwrap();
    let shown = format!("{store:?}");
    assert!(shown.starts_with("ReadThrough { store: "), "{shown}");
}
