//! Secrets that are configured in the wrong way.

use tower_webhook::explain::{Cause, Explainer};
use tower_webhook::provider;
use tower_webhook::signature::{Algorithm, Scheme, SecretEncoding};
use tower_webhook::testing::Signer;
use tower_webhook::{Secret, Verifier};

use super::{assert_likely, assert_proved, explained_with, with_shared_secret};
use crate::support::{NOW, SECRET};

/// What is explained about a sender with the key `theirs` where `ours` is
/// configured.
fn assert_secret(scheme: &Scheme, theirs: &[u8], ours: &Secret, cause: Cause, case: &str) {
    // Not every key can stand in a header.
    let in_header = theirs.iter().all(u8::is_ascii_graphic);
    if scheme.algorithm() == Algorithm::Token && !in_header {
        return;
    }
    let request = Signer::new(scheme.clone(), Secret::from_bytes(theirs))
        .unwrap()
        .at(NOW)
        .sign("/hook", "{}");
    let verifier = Verifier::new(scheme.clone(), ours.clone()).unwrap();
    let case = format!("{}: {case}", scheme.name());

    let explainer = Explainer::new().with_secrets(ours.clone());
    let explanation = explained_with(&explainer, &verifier, &request, NOW);
    assert_proved(explanation, cause, &case);

    let unknown = explained_with(&Explainer::new(), &verifier, &request, NOW);
    let cause = unknown.unwrap().cause();
    assert!(matches!(
        cause,
        Cause::WrongKeyOrContent | Cause::WrongToken
    ));
}

fn schemes() -> impl Iterator<Item = Scheme> {
    with_shared_secret().chain([provider::gitlab_token()])
}

#[test]
fn secrets_that_are_decoded_or_not() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let text = format!("whsec_{SECRET}");
    for scheme in schemes() {
        for encoding in [
            SecretEncoding::Text,
            SecretEncoding::Hex,
            SecretEncoding::Base64 {
                prefix: "whsec_".into(),
            },
        ] {
            let ours = match &encoding {
                SecretEncoding::Hex => SECRET,
                _ => &text,
            };
            let base64 = STANDARD.decode(SECRET).unwrap();
            for (theirs, how) in [
                (text.as_bytes().to_vec(), "as text"),
                (SECRET.as_bytes().to_vec(), "as text without prefix"),
                (base64, "as base64"),
                (hex::decode(SECRET).unwrap(), "as hex"),
            ] {
                let configured = scheme.clone().with_secret_encoding(encoding.clone());
                let is_it = matches!(
                    (&encoding, how),
                    (SecretEncoding::Text, "as text")
                        | (SecretEncoding::Hex, "as hex")
                        | (SecretEncoding::Base64 { .. }, "as base64")
                );
                if !is_it {
                    let ours = Secret::new(ours);
                    assert_secret(&configured, &theirs, &ours, Cause::SecretEncoding, how);
                }
            }
        }
    }
}

#[test]
fn white_space_and_quotes() {
    for scheme in schemes().map(|scheme| scheme.with_secret_encoding(SecretEncoding::Text)) {
        let cause = Cause::SecretSurroundings;
        let line = Secret::from_bytes(format!("{SECRET}\n"));
        assert_secret(&scheme, SECRET.as_bytes(), &line, cause, "a line end");
        let quoted = Secret::new(format!("\"{SECRET}\""));
        assert_secret(&scheme, SECRET.as_bytes(), &quoted, cause, "quotes");
        let theirs = format!("{SECRET}\n");
        assert_secret(
            &scheme,
            theirs.as_bytes(),
            &Secret::new(SECRET),
            cause,
            "their line end",
        );
    }
}

#[test]
fn an_api_key_in_the_place_of_the_secret() {
    let key = concat!("sk", "_test_4eC39Hq");
    let scheme = provider::stripe();
    let request = super::sender(&scheme).sign("/hook", "{}");
    let verifier = Verifier::new(scheme, key).unwrap();
    let explainer = Explainer::new().with_secrets(key);
    let explanation = explained_with(&explainer, &verifier, &request, NOW);
    assert_likely(explanation, Cause::ApiKeyAsSecret, "stripe");
}

/// With the second of two secrets as with the first.
#[test]
fn every_secret_is_tried() {
    let scheme = provider::github();
    let request = Signer::new(scheme.clone(), SECRET).unwrap().sign("/", "{}");
    let secrets = [Secret::new("first"), Secret::new(format!("'{SECRET}'"))];
    let verifier = Verifier::new(scheme, secrets.clone()).unwrap();
    let explainer = Explainer::new().with_secrets(secrets);
    let explanation = explained_with(&explainer, &verifier, &request, NOW);
    assert_proved(explanation, Cause::SecretSurroundings, "github");
}
