//! What headers show.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use tower_webhook::Verifier;
use tower_webhook::explain::Cause;
use tower_webhook::provider;
use tower_webhook::signature::Scheme;

use super::{acme, assert_likely, assert_proved, explained, families, sender, verifier};
use crate::support::keys;

fn request(scheme: &Scheme) -> Request<Bytes> {
    sender(scheme).sign("/hook", r#"{"id":"evt_1"}"#)
}

/// `request` without the header `name`.
fn without(mut request: Request<Bytes>, name: &str) -> (Request<Bytes>, HeaderValue) {
    let value = request.headers_mut().remove(name).unwrap();
    (request, value)
}

#[test]
fn headers_of_another_provider() {
    for configured in families() {
        for sending in families() {
            if sending.name() == configured.name() {
                continue;
            }
            let explanation = explained(&verifier(&configured), &request(&sending)).unwrap();
            let case = format!("{} at {}", sending.name(), configured.name());
            if sending.name() == acme().name() {
                assert_proved(Some(explanation), Cause::MissingSignature, &case);
                continue;
            }
            let name = format!("`{}`", sending.name());
            assert!(
                explanation.sentence().contains(&name),
                "{case}: {explanation}"
            );
            assert_likely(Some(explanation), Cause::OtherProvider, &case);
        }
    }
}

#[test]
fn another_provider_with_the_same_signature_header() {
    let request = request(&provider::github());
    let explanation = explained(&with_other_secret(&provider::meta()), &request).unwrap();
    assert!(explanation.sentence().contains("`github`"), "{explanation}");
    assert_likely(Some(explanation), Cause::OtherProvider, "github at meta");
    // It has no more headers of another than of its own.
    let explanation = explained(&with_other_secret(&provider::github()), &request);
    assert_likely(explanation, Cause::WrongKeyOrContent, "github at github");
}

fn with_other_secret(scheme: &Scheme) -> Verifier {
    Verifier::new(scheme.clone(), keys::other_verifying_secret(scheme)).unwrap()
}

#[test]
fn the_older_header() {
    let (mut request, _) = without(request(&provider::github()), "x-hub-signature-256");
    let sha1 = HeaderValue::from_static("sha1=7d38cdd689735b008b3c702edd92eea23791c5f6");
    request.headers_mut().insert("x-hub-signature", sha1);
    let explanation = explained(&verifier(&provider::github()), &request);
    assert_proved(explanation, Cause::LegacyHeader, "github");
}

#[test]
fn headers_that_a_gateway_renamed() {
    let (mut request, value) = without(request(&provider::stripe()), "stripe-signature");
    request
        .headers_mut()
        .insert("x-amzn-remapped-stripe-signature", value);
    let explanation = explained(&verifier(&provider::stripe()), &request);
    assert_likely(explanation, Cause::RenamedHeader, "stripe");
}

#[test]
fn authorization_that_was_taken_away() {
    let scheme = provider::new_relic_bearer();
    let (request, _) = without(request(&scheme), "authorization");
    let explanation = explained(&verifier(&scheme), &request);
    assert_likely(
        explanation,
        Cause::AuthorizationStripped,
        "new_relic_bearer",
    );
}

#[test]
fn signatures_that_are_missing_or_repeated() {
    for scheme in families() {
        let genuine = request(&scheme);
        let names = [
            "stripe-signature",
            "x-hub-signature-256",
            "webhook-signature",
            "shopify-hmac-sha256",
            "x-slack-signature",
            "acme-mac",
            "x-signature-ed25519",
            "x-twilio-email-event-webhook-signature",
        ];
        let name = names
            .into_iter()
            .find(|name| genuine.headers().contains_key(*name))
            .unwrap();
        let (bare, value) = without(genuine, name);
        let explanation = explained(&verifier(&scheme), &bare).unwrap();
        assert!(explanation.sentence().contains(name), "{explanation}");
        assert_proved(Some(explanation), Cause::MissingSignature, name);

        let mut twice = bare;
        twice
            .headers_mut()
            .append(HeaderName::from_static(name), value.clone());
        twice
            .headers_mut()
            .append(HeaderName::from_static(name), value);
        assert_proved(
            explained(&verifier(&scheme), &twice),
            Cause::RepeatedHeader,
            name,
        );
    }
}

#[test]
fn values_that_are_signed_along() {
    for (scheme, name) in [
        (provider::slack(), "x-slack-request-timestamp"),
        (provider::standard_webhooks(), "webhook-timestamp"),
        (provider::standard_webhooks(), "webhook-id"),
        (provider::discord(), "x-signature-timestamp"),
    ] {
        let (request, _) = without(request(&scheme), name);
        assert_proved(
            explained(&verifier(&scheme), &request),
            Cause::MissingValue,
            name,
        );
    }
    let mut twice = request(&provider::standard_webhooks());
    twice
        .headers_mut()
        .append("webhook-id", HeaderValue::from_static("other"));
    let explanation = explained(&verifier(&provider::standard_webhooks()), &twice);
    assert_proved(explanation, Cause::MalformedValue, "webhook-id");
}

#[test]
fn fixed_headers_methods_and_lists() {
    let scheme = acme().with_fixed_header("acme-version", "2");
    let mut old = request(&scheme);
    old.headers_mut()
        .insert("acme-version", HeaderValue::from_static("1"));
    let explanation = explained(&verifier(&scheme), &old);
    assert_proved(explanation, Cause::UnexpectedHeader, "acme-version");

    let mut get = request(&provider::github());
    *get.method_mut() = http::Method::GET;
    let explanation = explained(&verifier(&provider::github()), &get);
    assert_proved(explanation, Cause::MethodNotAllowed, "GET");

    let mut many = request(&provider::stripe());
    let list = format!("t=1700000000{}", ",v1=00".repeat(17));
    many.headers_mut()
        .insert("stripe-signature", list.parse().unwrap());
    let explanation = explained(&verifier(&provider::stripe()), &many);
    assert_proved(explanation, Cause::TooManySignatures, "stripe");
}

#[test]
fn secrets_that_have_expired() {
    let scheme = provider::github();
    let secret = keys::sender(&scheme)
        .verifying_secret()
        .with_expiry(super::NOW);
    let verifier = Verifier::new(scheme.clone(), secret).unwrap();
    let explanation = explained(&verifier, &request(&scheme));
    assert_proved(explanation, Cause::SecretsExpired, "github");
}
