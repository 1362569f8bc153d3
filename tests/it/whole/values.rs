//! Single values of the body that are signed, as Mailgun's, and tokens in the
//! body, as Figma's.

use serde_json::{Value, json};
use tower_webhook::signature::{Coverage, Grammar, Hash, Part, Scheme, Source};
use tower_webhook::{ConfigError, RejectionKind, Verifier};

use super::{genuine, refusal, scheme, verifier, with_body};
use crate::support::NOW;
use crate::support::keys::sender;
use crate::support::route::Route;

/// The signature covers neither the event nor its id: three captured values
/// around another event are the same delivery.
#[tokio::test]
async fn b10_a_signed_triple_is_good_for_one_event() {
    let scheme = scheme("mailgun");
    let route = Route::new(verifier(&scheme));
    let request = genuine(&scheme);
    route.accepts(request.clone(), "the event").await;
    let mut json: Value = serde_json::from_slice(request.body()).unwrap();
    json["event-data"] = json!({"id": "another", "event": "delivered"});
    route
        .recognises(
            with_body(&request, json.to_string()),
            "another event around them",
        )
        .await;
    let next = r#"{"signature":{"timestamp":"1700000000","token":"u"},"event-data":{"id":"f"}}"#;
    let next = sender(&scheme).at(NOW).sign("/hook", next);
    route.accepts(next, "the next event").await;
}

#[test]
fn a1_a_body_without_its_signature_is_refused() {
    for (name, pointer) in [("mailgun", "/signature/signature"), ("figma", "/passcode")] {
        let scheme = scheme(name);
        let request = genuine(&scheme);
        let json: Value = serde_json::from_slice(request.body()).unwrap();
        let (object, key) = pointer.rsplit_once('/').unwrap();
        for value in [
            None,
            Some(Value::Null),
            Some(json!("")),
            Some(json!([])),
            Some(json!(1.5)),
        ] {
            let mut json = json.clone();
            let object = json.pointer_mut(object).unwrap().as_object_mut().unwrap();
            object.remove(key);
            object.extend(value.clone().map(|value| (key.to_owned(), value)));
            let refused = refusal(&verifier(&scheme), &with_body(&request, json.to_string()));
            assert!(
                refused.is_some_and(RejectionKind::is_verification_failure),
                "{name} {value:?}"
            );
        }
    }
}

#[test]
fn values_that_are_not_there_are_refused_unless_the_scheme_says_otherwise() {
    let scheme = |part| {
        Scheme::hmac("acme", Hash::Sha256)
            .with_content([part, Part::literal("."), Part::value("/b")])
            .with_signature(Source::pointer("/s"), Grammar::Plain)
    };
    let (strict, lenient) = (
        scheme(Part::value("/a")),
        scheme(Part::optional_value("/a")),
    );
    let request = sender(&lenient).at(NOW).sign("/", r#"{"b":1}"#);
    assert_eq!(refusal(&verifier(&lenient), &request), None);
    assert_eq!(
        refusal(&verifier(&strict), &request),
        Some(RejectionKind::MissingSignedValue)
    );
}

/// A plain hash with the secret in the middle, as only code could say before.
#[test]
fn a_secret_can_be_a_part_of_a_plain_hash() {
    let scheme = Scheme::hash("acme", Hash::Sha256)
        .with_content([Part::literal("a"), Part::Secret, Part::Body])
        .with_signature(Source::header("x-hash"), Grammar::Plain);
    let request = |hash: &str| {
        let request = http::Request::post("/").header("x-hash", hash);
        request.body(bytes::Bytes::from("body")).unwrap()
    };
    // printf as3cretbody | sha256sum
    let genuine = request("e393ed72c451690c408d3a4458b00df7d0c94d60f384c6625c6d8e925421af22");
    // printf abody | sha256sum
    let sent = request("5672eb1b1aca7865ad3eade1450b5211a415de4060aa071c6034cf56f8ba8ece");
    let verifier = Verifier::new(scheme, "s3cret").unwrap();
    assert_eq!(refusal(&verifier, &genuine), None);
    assert_eq!(
        refusal(&verifier, &sent),
        Some(RejectionKind::SignatureMismatch)
    );
}

/// As Bird's notifications; what is signed of the body are raw bytes.
#[test]
fn a_digest_can_stand_for_the_body() {
    let scheme = Scheme::hmac("acme", Hash::Sha256)
        .with_content([Part::literal("a\n"), Part::BodyDigest(Hash::Sha256)])
        .with_signature(Source::header("x-signature"), Grammar::Plain);
    assert_eq!(scheme.coverage(), Coverage::Body);
    let request = http::Request::post("/")
        // (printf 'a\n'; printf body | openssl dgst -sha256 -binary) |
        //   openssl dgst -sha256 -hmac s3cret
        .header(
            "x-signature",
            "3bcce90bc63daf21bd2e90c3f027daec173679f39f9783bf15626c4a1fd7d0e6",
        )
        .body(bytes::Bytes::from("body"))
        .unwrap();
    let verifier = Verifier::new(scheme.clone(), "s3cret").unwrap();
    assert_eq!(refusal(&verifier, &request), None);
    let other = refusal(&verifier, &with_body(&request, "bodx"));
    assert_eq!(other, Some(RejectionKind::SignatureMismatch));
    let scheme = scheme
        .with_each("/items")
        .with_signature(Source::pointer("/s"), Grammar::Plain);
    assert!(Verifier::new(scheme, "s3cret").is_err());
}

#[test]
fn schemes_that_sign_nothing_of_the_request_cannot_be_built() {
    let refused = |content: Vec<Part>| {
        let scheme = Scheme::hmac("acme", Hash::Sha256)
            .with_content(content)
            .with_signature(Source::header("x-signature"), Grammar::Plain);
        matches!(
            Verifier::new(scheme, "secret"),
            Err(ConfigError::InvalidScheme { .. })
        )
    };
    assert!(refused(vec![]));
    assert!(refused(vec![Part::literal("x")]));
    assert!(refused(vec![Part::Body, Part::Body]));
    assert!(refused(vec![Part::Secret, Part::Body]));
    assert!(refused(vec![Part::value("id")]));
    assert!(refused(vec![Part::Url(Default::default()), Part::Body]));
    assert!(refused(vec![Part::header("in valid"), Part::Body]));
    assert!(!refused(vec![Part::Method, Part::Body]));
    let hash = Scheme::hash("acme", Hash::Sha256)
        .with_content([Part::Body])
        .with_signature(Source::header("x-signature"), Grammar::Plain);
    assert!(Verifier::new(hash, "secret").is_err());
}
