//! Braintree's form, whose payload is signed and nothing else.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use sha1::{Digest, Sha1};
use tower_webhook::{ConfigError, RejectionKind, Verifier, provider};

use super::{refusal, refusal_in_pieces, with_body};
use crate::handshake::{Endpoint, Reply};
use crate::support::route::Route;

const PUBLIC: &str = "our_public_key";
const SECRET: &str = "our_private_key";
const PAYLOAD: &str = "PG5vdGlm\naWNhdGlvbi8+\n";

fn verifier() -> Verifier {
    Verifier::new(provider::braintree(PUBLIC), SECRET).unwrap()
}

fn mac(key: &[u8], payload: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn signature(payload: &str) -> String {
    let mac = mac(&Sha1::digest(SECRET), payload);
    format!("{PUBLIC}|{mac}")
}

fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

fn request(pairs: &[String]) -> Request<Bytes> {
    Request::post("/hook")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(pairs.join("&").into())
        .unwrap()
}

fn form(signature: &str, payload: &str) -> Request<Bytes> {
    request(&[pair("bt_signature", signature), pair("bt_payload", payload)])
}

#[test]
fn a_signed_payload_is_accepted_whole_and_in_pieces() {
    let request = form(&signature(PAYLOAD), PAYLOAD);
    assert_eq!(refusal(&verifier(), &request), None);
    for size in [1, 7, 1000] {
        assert_eq!(refusal_in_pieces(&verifier(), &request, size), None);
    }
}

#[test]
fn a3_what_is_no_key_is_refused_at_construction() {
    for public_key in ["", "a|b", "a&b"] {
        let built = Verifier::new(provider::braintree(public_key), SECRET);
        assert!(matches!(built, Err(ConfigError::InvalidScheme { .. })));
    }
    for secret in ["", " "] {
        let built = Verifier::new(provider::braintree(PUBLIC), secret);
        assert!(matches!(built, Err(ConfigError::EmptySecret { .. })));
    }
}

#[test]
fn a20_another_payload_is_refused() {
    for payload in [
        "PG5vdGlm\naWNhdGlvbi8\n",
        "PG5vdGlmaWNhdGlvbi8+\n",
        "PG5vdGlm\naWNhdGlvbi9+\n",
        "A",
    ] {
        let refused = refusal(&verifier(), &form(&signature(PAYLOAD), payload));
        assert_eq!(refused, Some(RejectionKind::SignatureMismatch), "{payload}");
    }
}

#[test]
fn a1_other_keys_sign_nothing() {
    for key in [SECRET.as_bytes(), b"", &Sha1::digest("another")] {
        let forged = format!("{PUBLIC}|{}", mac(key, PAYLOAD));
        let refused = refusal(&verifier(), &form(&forged, PAYLOAD));
        assert_eq!(refused, Some(RejectionKind::SignatureMismatch));
    }
    let verifier = Verifier::new(provider::braintree("another_public_key"), SECRET).unwrap();
    let refused = refusal(&verifier, &form(&signature(PAYLOAD), PAYLOAD));
    assert_eq!(refused, Some(RejectionKind::UnknownKey));
}

#[test]
fn a12_the_pairs_of_other_keys_are_skipped() {
    let ours = signature(PAYLOAD);
    let zeros = "0".repeat(40);
    let listed = |pairs: &[&str]| refusal(&verifier(), &form(&pairs.join("&"), PAYLOAD));
    assert_eq!(listed(&["theirs|00", &ours, "no pair", ""]), None);
    assert_eq!(listed(&[&format!("{PUBLIC}|{zeros}"), &ours]), None);
    assert_eq!(listed(&[&format!("{PUBLIC}|not hex"), &ours]), None);
    let mac = ours.split_once('|').unwrap().1;
    for other in [
        format!("theirs|{mac}"),
        format!("{}|{mac}", PUBLIC.to_uppercase()),
        format!(" {ours}"),
        format!("{PUBLIC} |{mac}"),
        format!("|{mac}"),
        mac.to_owned(),
        String::new(),
    ] {
        assert_eq!(
            listed(&[&other]),
            Some(RejectionKind::UnknownKey),
            "{other}"
        );
    }
    for other in [
        "",
        "not hex",
        &mac[..38],
        &format!("{mac}00"),
        &format!("{mac}|"),
        &format!("{mac} "),
    ] {
        let refused = listed(&[&format!("{PUBLIC}|{other}")]);
        assert_eq!(refused, Some(RejectionKind::MalformedSignature), "{other}");
    }
}

#[test]
fn a18_only_so_many_signatures_are_tried() {
    let zeros = format!("{PUBLIC}|{}", "0".repeat(40));
    let listed = |others: usize| {
        let mut pairs = vec![zeros.as_str(); others];
        let ours = signature(PAYLOAD);
        pairs.push(&ours);
        refusal(&verifier(), &form(&pairs.join("&"), PAYLOAD))
    };
    assert_eq!(listed(15), None);
    assert_eq!(listed(16), Some(RejectionKind::TooManySignatures));
}

#[test]
fn f17_a_field_that_is_missing_or_repeated_is_refused() {
    let (signature, payload) = (
        pair("bt_signature", &signature(PAYLOAD)),
        pair("bt_payload", PAYLOAD),
    );
    for (pairs, expected) in [
        (vec![signature.clone()], RejectionKind::MissingSignedValue),
        (vec![payload.clone()], RejectionKind::MissingSignature),
        (vec![], RejectionKind::MissingSignature),
        (
            vec![signature.clone(), payload.clone(), payload.clone()],
            RejectionKind::MalformedBody,
        ),
        (
            vec![
                signature.clone(),
                payload.clone(),
                payload.replacen("bt_", "bt%5F", 1),
            ],
            RejectionKind::MalformedBody,
        ),
        (
            vec![signature.clone(), signature.clone(), payload.clone()],
            RejectionKind::MalformedBody,
        ),
        (
            vec![signature.clone(), payload.clone(), "%FF=1".to_owned()],
            RejectionKind::MalformedBody,
        ),
    ] {
        let refused = refusal(&verifier(), &request(&pairs));
        assert_eq!(refused, Some(expected), "{pairs:?}");
    }
}

#[test]
fn a_payload_is_base64() {
    for payload in ["", "\n", "a b\n", "a\n\n", "a\r\n", "a-_\n", "é\n", "<x/>"] {
        let refused = refusal(&verifier(), &form(&signature(payload), payload));
        assert_eq!(refused, Some(RejectionKind::MalformedBody), "{payload:?}");
    }
}

/// github:braintree/braintree_node spec/unit/braintree/webhook_notification_gateway_spec.js
#[tokio::test]
async fn a_challenge_gets_its_known_answer() {
    let verifier = Verifier::new(
        provider::braintree("integration_public_key"),
        "integration_private_key",
    );
    let endpoint = Endpoint::with(verifier.unwrap(), |layer| layer).await;
    let challenge = "20f9f8ed05f77439fe955c977e4c8a53";
    let answer = "integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4";
    let known = endpoint
        .get(&format!("/hook?bt_challenge={challenge}"))
        .await;
    assert_eq!(known, Reply::text(answer));
    for other in [
        "",
        &challenge[..19],
        &format!("{challenge}0"),
        &challenge.to_uppercase(),
        "PG5vdGlmaWNhdGlvbi8%2B",
        "20f9f8ed05f77439fe955c977e4c8a53%0A",
        &format!("{challenge}&bt_challenge={challenge}"),
    ] {
        let refused = endpoint.get(&format!("/hook?bt_challenge={other}")).await;
        assert_eq!(refused, Reply::not_allowed("POST, GET"), "{other}");
    }
    assert_eq!(endpoint.calls.get(), 0);
}

/// Anybody may ask for the MAC of a challenge.
#[test]
fn a15_the_answer_to_a_challenge_signs_no_notification() {
    let challenge = "20f9f8ed05f77439fe955c977e4c8a53";
    for challenge in [challenge, &challenge[..20]] {
        for payload in [challenge.to_owned(), format!("{challenge}\n")] {
            let forged = form(&signature(challenge), &payload);
            let refused = refusal(&verifier(), &forged);
            assert_eq!(refused, Some(RejectionKind::MalformedBody), "{payload:?}");
        }
    }
}

/// As in Braintree's libraries: it may be lost, but not come from nowhere.
#[test]
fn the_line_break_at_the_end_may_be_lost() {
    let bare = PAYLOAD.trim_end();
    assert_eq!(refusal(&verifier(), &form(&signature(PAYLOAD), bare)), None);
    assert_eq!(refusal(&verifier(), &form(&signature(bare), bare)), None);
    let refused = refusal(&verifier(), &form(&signature(bare), PAYLOAD));
    assert_eq!(refused, Some(RejectionKind::SignatureMismatch));
}

#[tokio::test]
async fn b1_b10_a_captured_payload_in_another_form_is_a_duplicate() {
    let route = Route::new(verifier());
    let (sig, payload) = (signature(PAYLOAD), PAYLOAD);
    route.accepts(form(&sig, payload), "the notification").await;
    let mac = sig.split_once('|').unwrap().1.to_uppercase();
    for (again, what) in [
        (form(&sig, payload), "itself"),
        (form(&sig, payload.trim_end()), "without its line break"),
        (form(&format!("x|y&{sig}"), payload), "another pair"),
        (form(&format!("{PUBLIC}|{mac}"), payload), "upper case"),
        (
            request(&[pair("bt_payload", payload), pair("bt_signature", &sig)]),
            "another order",
        ),
        (
            request(&[
                pair("bt_signature", &sig),
                pair("bt_payload", payload),
                "id=2".to_owned(),
            ]),
            "another field",
        ),
    ] {
        route.recognises(again, what).await;
    }
    let next = "PG5leHQvPg==\n";
    route
        .accepts(form(&signature(next), next), "the next one")
        .await;
}

#[tokio::test]
async fn a19_an_impostors_notification_leaves_no_trace() {
    let route = Route::new(verifier());
    let forged = format!("{PUBLIC}|{}", "0".repeat(40));
    let kind = route.refuses(form(&forged, PAYLOAD), "forged").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
    let genuine = form(&signature(PAYLOAD), PAYLOAD);
    route.accepts(genuine, "genuine").await;
}

proptest! {
    #[test]
    fn f19_no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let genuine = form(&signature(PAYLOAD), PAYLOAD);
        prop_assert!(refusal(&verifier(), &with_body(&genuine, bytes)).is_some());
    }

    #[test]
    fn f19_no_field_makes_it_panic(pairs in ".{0,60}", payload in "[A-Za-z0-9+/=\n]{0,60}") {
        let listed = format!("{PUBLIC}|{pairs}");
        prop_assert!(refusal(&verifier(), &form(&listed, &payload)).is_some());
    }
}
