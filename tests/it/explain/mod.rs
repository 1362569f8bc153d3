//! What developers are told about refused requests.

mod bodies;
mod headers;
mod layer;
mod limits;
mod secrets;
mod timestamps;
mod urls;
mod written;

use bytes::Bytes;
use http::Request;
use tower_webhook::explain::{Cause, Explainer, Explanation};
use tower_webhook::provider;
use tower_webhook::signature::{Grammar, Hash, Part, PublicUrl, Scheme, Source, UrlForm};
use tower_webhook::testing::Signer;
use tower_webhook::{Timestamp, Verifier};

use crate::support::{NOW, keys};

/// Signs the URL and the body; no preset has its header.
fn acme() -> Scheme {
    Scheme::hmac("acme", Hash::Sha256)
        .with_public_url(PublicUrl::base("https://hooks.example.com/api").unwrap())
        .with_content([Part::Url(UrlForm::AsIs), Part::Body])
        .with_signature(Source::header("acme-mac"), Grammar::Plain)
}

/// One scheme of each kind.
fn families() -> [Scheme; 8] {
    [
        provider::stripe(),
        provider::github(),
        provider::standard_webhooks(),
        provider::shopify(),
        provider::slack(),
        acme(),
        provider::discord(),
        provider::sendgrid(),
    ]
}

fn with_shared_secret() -> impl Iterator<Item = Scheme> {
    families()
        .into_iter()
        .filter(|scheme| scheme.name() != "discord" && scheme.name() != "sendgrid")
}

fn sender(scheme: &Scheme) -> Signer {
    keys::sender(scheme).at(NOW)
}

fn verifier(scheme: &Scheme) -> Verifier {
    Verifier::new(scheme.clone(), sender(scheme).verifying_secret()).unwrap()
}

fn explained(verifier: &Verifier, request: &Request<Bytes>) -> Option<Explanation> {
    explained_at(verifier, request, NOW)
}

fn explained_at(
    verifier: &Verifier,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Option<Explanation> {
    explained_with(&Explainer::new(), verifier, request, now)
}

fn explained_with(
    explainer: &Explainer,
    verifier: &Verifier,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Option<Explanation> {
    let (parts, body) = request.clone().into_parts();
    let explanation = explainer.explain(verifier, &parts, &body, now);
    let verdict = verifier.verify(&parts, &body, now);
    assert_eq!(explanation.is_some(), verdict.is_err());
    if let Some(explanation) = &explanation {
        let sentence = explanation.sentence();
        assert!(sentence.ends_with('.'), "{sentence}");
        assert!(
            !sentence.contains("  ") && !sentence.contains('\n'),
            "{sentence}"
        );
        assert_eq!(explanation.to_string(), sentence);
    }
    explanation
}

/// That the cause is `expected` and proved.
fn assert_proved(explanation: Option<Explanation>, expected: Cause, case: &str) {
    let explanation = explanation.unwrap_or_else(|| panic!("{case}: it verifies"));
    assert_eq!(explanation.cause(), expected, "{case}: {explanation}");
    assert!(explanation.is_proved(), "{case}: {explanation}");
}

fn assert_likely(explanation: Option<Explanation>, expected: Cause, case: &str) {
    let explanation = explanation.unwrap_or_else(|| panic!("{case}: it verifies"));
    assert_eq!(explanation.cause(), expected, "{case}: {explanation}");
    assert!(!explanation.is_proved(), "{case}: {explanation}");
}

#[test]
fn nothing_is_explained_about_a_genuine_request() {
    for scheme in families() {
        let request = sender(&scheme).sign("/hook?a=1", r#"{"id":"evt_1"}"#);
        assert_eq!(explained(&verifier(&scheme), &request), None);
    }
}

#[test]
fn what_cannot_be_found_out_is_said_so() {
    for scheme in families() {
        let mut request = sender(&scheme).sign("/hook", r#"{"id":"evt_1"}"#);
        *request.body_mut() = Bytes::from_static(b"something else");
        let case = scheme.name();
        assert_likely(
            explained(&verifier(&scheme), &request),
            Cause::WrongKeyOrContent,
            case,
        );
    }
    let scheme = provider::telegram();
    let request = keys::impostor(&scheme).sign("/", "{}");
    assert_likely(
        explained(&verifier(&scheme), &request),
        Cause::WrongToken,
        "telegram",
    );
}

#[test]
fn another_known_endpoint_is_named() {
    for scheme in families() {
        let request = keys::impostor(&scheme).at(NOW).sign("/hook", "{}");
        let other = Verifier::new(scheme.clone(), keys::other_verifying_secret(&scheme)).unwrap();
        let explainer = Explainer::new().with_known("the test mode", other);
        let explanation = explained_with(&explainer, &verifier(&scheme), &request, NOW).unwrap();
        assert!(explanation.sentence().contains("the test mode"));
        assert_proved(Some(explanation), Cause::OtherEndpoint, scheme.name());

        let not_there = explained_with(
            &Explainer::new().with_known("itself", verifier(&scheme)),
            &verifier(&scheme),
            &request,
            NOW,
        );
        assert_likely(not_there, Cause::WrongKeyOrContent, scheme.name());
    }
    // Of another provider, by its own headers.
    let github = verifier(&provider::github());
    let request = sender(&provider::github()).sign("/hook", "{}");
    let explainer = Explainer::new().with_known("GitHub's route", github);
    let stripe = verifier(&provider::stripe());
    let explanation = explained_with(&explainer, &stripe, &request, NOW);
    assert_proved(explanation, Cause::OtherEndpoint, "github");
}
