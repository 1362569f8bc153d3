//! Signatures that are written in another way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tower_webhook::explain::Cause;
use tower_webhook::provider;
use tower_webhook::signature::{Encoding, Grammar, Scheme};

use super::{assert_likely, assert_proved, explained, families, sender, verifier};

#[test]
fn signatures_in_another_encoding() {
    for scheme in families() {
        for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
            if encoding == scheme.encoding() {
                continue;
            }
            let other = scheme.clone().with_encoding(encoding);
            let request = sender(&other).sign("/hook", r#"{"id":"evt_1"}"#);
            let case = format!("{} in {encoding:?}", scheme.name());
            let explanation = explained(&verifier(&scheme), &request);
            // Of 72 bytes, base64 has no padding that would tell it apart.
            if explanation.is_none() {
                assert_eq!(scheme.name(), "sendgrid", "{case}");
                continue;
            }
            assert_proved(explanation, Cause::SignatureEncoding, &case);
        }
    }
}

#[test]
fn a_wrong_body_does_not_hide_a_wrong_encoding() {
    for scheme in families() {
        let encoding = match scheme.encoding() {
            Encoding::Hex => Encoding::Base64,
            _ => Encoding::Hex,
        };
        let other = scheme.clone().with_encoding(encoding);
        let mut request = sender(&other).sign("/hook", r#"{"id":"evt_1"}"#);
        *request.body_mut() = bytes::Bytes::from_static(b"something else");
        let explanation = explained(&verifier(&scheme), &request);
        assert_likely(explanation, Cause::SignatureEncoding, scheme.name());
    }
}

#[test]
fn base64_of_hex() {
    let scheme = provider::shopify();
    let hex = scheme.clone().with_encoding(Encoding::Hex);
    let mut request = sender(&hex).sign("/hook", "{}");
    let digits = request.headers()["shopify-hmac-sha256"].as_bytes().to_vec();
    let value = HeaderValue::try_from(STANDARD.encode(digits)).unwrap();
    request.headers_mut().insert("shopify-hmac-sha256", value);
    let explanation = explained(&verifier(&scheme), &request).unwrap();
    assert!(
        explanation.sentence().contains("base64 of its hex digits"),
        "{explanation}"
    );
    assert_proved(Some(explanation), Cause::SignatureEncoding, "shopify");
}

#[test]
fn prefixes_that_are_missing_or_new() {
    let cases: [(Scheme, Grammar); 5] = [
        (provider::github(), Grammar::Plain),
        (provider::slack(), Grammar::Plain),
        (provider::standard_webhooks(), Grammar::Plain),
        (provider::shopify(), Grammar::prefixed("sha256=")),
        (provider::discord(), Grammar::prefixed("ed25519=")),
    ];
    for (scheme, grammar) in cases {
        let source = scheme.signatures()[0].clone();
        let other = scheme.clone().with_signature(source, grammar);
        let request = sender(&other).sign("/hook", "{}");
        let explanation = explained(&verifier(&scheme), &request);
        assert_proved(explanation, Cause::SignaturePrefix, scheme.name());
    }
    let stripe = provider::stripe();
    let source = stripe.signatures()[0].clone();
    let v0 = stripe
        .clone()
        .with_signature(source, Grammar::fields(',', "v0"));
    let request = sender(&v0).sign("/hook", "{}");
    let explanation = explained(&verifier(&stripe), &request).unwrap();
    assert!(explanation.sentence().contains("`v0`"), "{explanation}");
    assert_proved(Some(explanation), Cause::SignaturePrefix, "stripe");
}

#[test]
fn versions_of_standard_webhooks() {
    let [symmetric, asymmetric] = [
        provider::standard_webhooks(),
        provider::standard_webhooks_asymmetric(),
    ];
    for (sending, reading, version) in [
        (&symmetric, &asymmetric, "`v1`"),
        (&asymmetric, &symmetric, "`v1a`"),
    ] {
        let request = sender(sending).sign("/hook", "{}");
        let explanation = explained(&verifier(reading), &request).unwrap();
        assert!(explanation.sentence().contains(version), "{explanation}");
        assert_proved(Some(explanation), Cause::SignaturePrefix, version);
    }
}

#[test]
fn lengths_of_another_hash() {
    let scheme = provider::github();
    let mut request = sender(&scheme).sign("/hook", "{}");
    let value = HeaderValue::from_static("sha256=7d38cdd689735b008b3c702edd92eea23791c5f6");
    request.headers_mut().insert("x-hub-signature-256", value);
    let explanation = explained(&verifier(&scheme), &request).unwrap();
    assert!(explanation.sentence().contains("SHA-1"), "{explanation}");
    assert_likely(Some(explanation), Cause::SignatureHash, "github");
}

#[test]
fn what_is_no_signature() {
    for scheme in families() {
        let mut request = sender(&scheme).sign("/hook", "{}");
        let values: Vec<_> = request.headers().keys().cloned().collect();
        for name in values.iter().filter(|name| {
            ["signature", "hmac", "mac"]
                .iter()
                .any(|part| name.as_str().contains(part))
                && !name.as_str().contains("timestamp")
        }) {
            let value = HeaderValue::from_static("t=1700000000,v1=nonsense");
            request.headers_mut().insert(name, value);
        }
        let explanation = explained(&verifier(&scheme), &request);
        assert_proved(explanation, Cause::MalformedSignature, scheme.name());
    }
}
