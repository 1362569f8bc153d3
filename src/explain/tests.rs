use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use serde_json::Value;

use super::trial::MAX_SIGNATURES;
use super::*;
use crate::signature::{Grammar, Hash, Part, PublicUrl, Scheme, Source, UrlForm};
use crate::{Secret, provider};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn spent(explainer: &Explainer, verifier: &Verifier, request: Request<Bytes>) -> usize {
    let (parts, body) = request.into_parts();
    let rejection = verifier.verify(&parts, &body, NOW).unwrap_err();
    let mut trial = Trial::new(verifier, &parts, Some(&body), NOW);
    let _ = explainer.explain_refused(&mut trial, &rejection);
    trial.spent()
}

/// With many secrets, a URL and a body of which there are many forms.
#[test]
fn no_more_signatures_are_computed_than_stated() {
    let body = Bytes::from_static(br#"{"b":"\u00e9/<","a":[1,{"x":null,"n":2}]}"#);
    let scheme = Scheme::hmac("acme", Hash::Sha256)
        .with_public_url(PublicUrl::base("https://example.com").unwrap())
        .with_content([Part::Url(UrlForm::AsIs), Part::Body])
        .with_signature(Source::header("acme-mac"), Grammar::Plain);
    for scheme in [scheme, provider::github()] {
        for count in [1, 2, 3, 16] {
            let secrets: Vec<_> = (0..count)
                .map(|number| Secret::new(format!("whsec_{number}")))
                .collect();
            let verifier = Verifier::new(scheme.clone(), secrets.clone()).unwrap();
            let explainer = (0..count).fold(Explainer::new(), |explainer, number| {
                explainer.with_known(number.to_string(), verifier.clone())
            });
            let request = Request::post("/hook?b=2&a=1")
                .header("acme-mac", "00".repeat(32))
                .header("x-hub-signature-256", format!("sha256={}", "00".repeat(32)))
                .header("host", "other.example:8443")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.clone())
                .unwrap();
            let spent = spent(&explainer.with_secrets(secrets), &verifier, request);
            assert!((20..=MAX_SIGNATURES).contains(&spent), "{count}: {spent}");
        }
    }
}

/// Every item of a list costs a signature.
#[test]
fn items_that_are_signed_one_by_one_are_counted() {
    let item = r#"{"NotificationRequestItem":{"additionalData":{"hmacSignature":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}"#;
    let body = format!(r#"{{"notificationItems":[{}]}}"#, [item; 300].join(","));
    let verifier = Verifier::new(provider::adyen(), "0".repeat(63) + "1").unwrap();
    let explainer = Explainer::new().with_secrets("0".repeat(63) + "1");
    let request = Request::post("/").body(Bytes::from(body)).unwrap();
    assert!(spent(&explainer, &verifier, request) <= MAX_SIGNATURES);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever is written is the same value, and the forms that serde knows
    /// are its own, byte for byte.
    #[test]
    fn json_is_written_as_others_write_it(value in any_json()) {
        let compact = value.to_string();
        // A parser may lose the last digit of a number; what is tried does not.
        let as_read: Value = serde_json::from_str(&compact).unwrap();
        let forms = json::forms(compact.as_bytes());
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert!(forms.contains(&compact));
        prop_assert!(forms.contains(&pretty));
        prop_assert_eq!(&json::forms(pretty.as_bytes()), &forms);
        for form in forms {
            let read: Value = serde_json::from_str(&form).unwrap();
            prop_assert_eq!(&read, &as_read, "{}", form);
        }
    }
}
