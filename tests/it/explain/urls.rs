//! URLs that are not the one that was signed.

use axum::extract::OriginalUri;
use http::HeaderValue;
use tower_webhook::Verifier;
use tower_webhook::explain::Cause;
use tower_webhook::provider;
use tower_webhook::signature::PublicUrl;
use tower_webhook::testing::Signer;

use super::{acme, assert_proved, explained};
use crate::support::SECRET;

/// What is explained where the provider signs `signed`, and a request for
/// `target` is verified with `configured`.
fn assert_url(signed: &str, configured: PublicUrl, target: &str, host: &str, cause: Cause) {
    let theirs = acme().with_public_url(PublicUrl::registered(signed).unwrap());
    let mut request = Signer::new(theirs, SECRET).unwrap().sign(target, "{}");
    request
        .headers_mut()
        .insert("host", HeaderValue::try_from(host).unwrap());
    let verifier = Verifier::new(acme().with_public_url(configured), SECRET).unwrap();
    let case = format!("{signed} for {target}");
    let explanation = explained(&verifier, &request);
    if let Some(explanation) = &explanation {
        assert!(!explanation.sentence().contains("example"), "{explanation}");
    }
    assert_proved(explanation, cause, &case);
}

#[test]
fn every_component() {
    let base = || PublicUrl::base("https://example.com/api").unwrap();
    for (signed, cause) in [
        ("http://example.com/api/hook?b=2&a=1%20x", Cause::UrlScheme),
        (
            "https://example.com:443/api/hook?b=2&a=1%20x",
            Cause::UrlPort,
        ),
        (
            "https://example.com:8443/api/hook?b=2&a=1%20x",
            Cause::UrlPort,
        ),
        (
            "https://hooks.example.net/api/hook?b=2&a=1%20x",
            Cause::UrlHost,
        ),
        (
            "https://hooks.example.net:8443/api/hook?b=2&a=1%20x",
            Cause::UrlHost,
        ),
        (
            "http://hooks.example.net/api/hook?b=2&a=1%20x",
            Cause::UrlHost,
        ),
        ("https://example.com/hook?b=2&a=1%20x", Cause::UrlPath),
        ("https://example.com/api/hook/?b=2&a=1%20x", Cause::UrlPath),
        ("https://hooks.example.net/hook?b=2&a=1%20x", Cause::UrlHost),
        ("https://example.com/hook", Cause::UrlPath),
        ("https://example.com/api/hook", Cause::UrlQuery),
        ("https://example.com/api/hook?a=1%20x&b=2", Cause::UrlQuery),
        ("https://example.com/api/hook?b=2&a=1+x", Cause::UrlQuery),
    ] {
        assert_url(
            signed,
            base(),
            "/hook?b=2&a=1%20x",
            "hooks.example.net:8443",
            cause,
        );
    }
}

#[test]
fn a_registered_url_without_what_the_provider_adds() {
    let registered = PublicUrl::registered("https://example.com/hook").unwrap();
    let signed = "https://example.com/hook?bodySHA256=00";
    assert_url(
        signed,
        registered,
        "/hook?bodySHA256=00",
        "example.com",
        Cause::UrlQuery,
    );
}

#[test]
fn a_prefix_that_a_router_took_off() {
    let base = "https://example.com";
    let theirs = acme().with_public_url(PublicUrl::registered("https://example.com/hook").unwrap());
    let mut request = Signer::new(theirs, SECRET).unwrap().sign("/hook", "{}");
    let original = OriginalUri("/nested/hook".parse().unwrap());
    request.extensions_mut().insert(original);
    let configured = acme().with_public_url(PublicUrl::base(base).unwrap());
    let verifier = Verifier::new(configured, SECRET).unwrap();
    assert_proved(
        explained(&verifier, &request),
        Cause::UrlPath,
        "a proxy added it",
    );
}

/// Twilio's preset, as a URL of another scheme is configured for it.
#[test]
fn a_preset_that_signs_the_url() {
    let twilio = |base| provider::twilio(PublicUrl::base(base).unwrap());
    let theirs = twilio("https://example.com");
    for (base, cause) in [
        ("http://example.com", Cause::UrlScheme),
        ("https://example.net", Cause::UrlHost),
        ("https://example.com/prefix", Cause::UrlPath),
    ] {
        let mut request = Signer::new(theirs.clone(), SECRET)
            .unwrap()
            .sign("/sms?a=1", "From=%2B1415&Body=x");
        let host = HeaderValue::from_static("example.com");
        request.headers_mut().insert("host", host);
        let verifier = Verifier::new(twilio(base), SECRET).unwrap();
        assert_proved(explained(&verifier, &request), cause, base);
    }
}
