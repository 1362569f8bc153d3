//! A scheme that contradicts itself is refused when a verifier is built from
//! it, and says why: it would refuse every request, or accept too much.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
#[cfg(feature = "public-key")]
use tower_webhook::signature::PublicKeyAlgorithm;
use tower_webhook::signature::{
    Coverage, Encoding, Grammar, Hash, Part, Protocol, Received, Scheme, SecretEncoding, Source,
    Statement, TimestampRule,
};
#[cfg(feature = "jwt")]
use tower_webhook::signature::{Jwt, JwtAlgorithm};
use tower_webhook::{ConfigError, Rejection, Timestamp, Verifier};

use crate::support::SECRET;

fn signature() -> Source {
    Source::header("x-signature")
}

fn acme() -> Scheme {
    Scheme::hmac("acme", Hash::Sha256).with_signature(signature(), Grammar::Plain)
}

fn token() -> Scheme {
    Scheme::token("acme").with_signature(signature(), Grammar::Plain)
}

fn at(source: Source) -> TimestampRule {
    TimestampRule::seconds(source)
}

#[track_caller]
fn refused(scheme: Scheme, expected: &str) {
    match Verifier::new(scheme, SECRET) {
        Err(ConfigError::InvalidScheme { reason, .. }) => {
            assert!(reason.contains(expected), "{reason}");
        }
        other => panic!("{expected}: {other:?}"),
    }
}

#[test]
fn what_is_not_said_is_not_guessed() {
    assert!(Verifier::new(acme(), SECRET).is_ok());
    refused(
        Scheme::hmac("", Hash::Sha256).with_signature(signature(), Grammar::Plain),
        "it has no name",
    );
    refused(acme().with_methods([]), "it allows no method");
    refused(
        Scheme::hmac("acme", Hash::Sha256),
        "it does not say where the signature is",
    );
    let timed = [Part::Timestamp, Part::literal("."), Part::Body];
    refused(
        acme().with_content(timed),
        "it signs a timestamp and does not say where that is",
    );
}

#[test]
fn what_is_signed_fits_what_signs() {
    refused(
        token().with_content([Part::Body]),
        "a token signs no content",
    );
    refused(
        token().with_timestamp(at(Source::header("x-time"))),
        "a token proves no timestamp",
    );
    refused(
        acme().with_encoding(Encoding::Text),
        "a signature is not text",
    );
    let items = acme().with_content([Part::value("/id")]);
    refused(
        items.with_each("/items"),
        "items that are signed one by one hold their signatures",
    );
    refused(
        acme().with_fixed_header("x-version", "1\n2"),
        "a fixed header has an invalid value",
    );
}

/// An attacker writes what is not signed: a timestamp that is not would make a
/// replay fresh.
#[test]
fn a_timestamp_is_signed() {
    let unsigned = "its timestamp must be signed";
    refused(
        acme().with_timestamp(at(Source::header("x-time"))),
        unsigned,
    );
    // In a body of which only another value is signed.
    let value = |pointer| acme().with_content([Part::value(pointer)]);
    let in_body = at(Source::pointer("/time"));
    refused(value("/id").with_timestamp(in_body.clone()), unsigned);
    assert!(Verifier::new(value("/time").with_timestamp(in_body.clone()), SECRET).is_ok());
    let apart = [Part::Timestamp, Part::Body];
    refused(
        acme().with_content(apart.clone()).with_timestamp(in_body),
        unsigned,
    );
    for source in [
        Source::lines("x-time"),
        Source::numbered("x-time-"),
        Source::query("time"),
        Source::form("time"),
    ] {
        let scheme = acme().with_content(apart.clone());
        refused(
            scheme.with_timestamp(at(source)),
            "a timestamp is read from a header, a field or the JSON body",
        );
    }
    refused(
        acme()
            .with_content(apart)
            .with_timestamp(at(Source::field("t"))),
        "whose grammar has none",
    );
}

#[test]
fn parts_of_a_request_are_read_where_they_can_be() {
    refused(
        Scheme::hmac("acme", Hash::Sha256).with_signature(Source::field("s"), Grammar::Plain),
        "a signature is not read from a field of itself",
    );
    let two = [Source::header("x-id"), Source::header("x-other-id")];
    refused(acme().with_event_id(two), "an event id is one header, or");
    refused(
        acme().with_event_id([Source::query("id")]),
        "an event id is one header, or",
    );
    refused(
        acme()
            .with_content([Part::EventId, Part::literal("."), Part::Body])
            .with_event_id([Source::pointer("/id")]),
        "it signs an event id that is not in a header",
    );
    refused(
        acme().with_event_type([Source::query("type")]),
        "an event type is read from a header or the body",
    );
}

#[test]
fn what_would_refuse_every_request_is_refused_itself() {
    assert_eq!(
        Verifier::new(acme().with_max_body(0), SECRET).unwrap_err(),
        ConfigError::Zero {
            setting: "max_body"
        }
    );
    let rule = at(Source::header("x-time")).with_tolerance(Duration::ZERO);
    let scheme = acme().with_content([Part::Timestamp, Part::Body]);
    assert_eq!(
        Verifier::new(scheme.with_timestamp(rule), SECRET).unwrap_err(),
        ConfigError::ZeroTolerance
    );
}

#[cfg(feature = "jwt")]
#[test]
fn tokens_that_could_never_be_genuine_are_refused() {
    refused(
        Scheme::jwt(
            "acme",
            Jwt::bearer(JwtAlgorithm::Hs256).with_max_age(Duration::ZERO),
        ),
        "its tokens may have no age",
    );
    refused(
        Scheme::jwt(
            "acme",
            Jwt::bearer(JwtAlgorithm::Hs256).with_url_hash("url"),
        ),
        "its tokens name the URL",
    );
}

/// A token that is signed with a public key, in a scheme that would take that
/// key for the secret of an HMAC: everybody has it.
#[cfg(feature = "jwt")]
#[test]
fn a15_a_public_key_is_no_secret_of_an_hmac() {
    let confused = |token: Jwt| {
        let scheme = Scheme::hmac("acme", Hash::Sha256).with_protocol(Arc::new(token));
        refused(scheme, "its algorithm is not that of its tokens");
    };
    confused(Jwt::bearer(JwtAlgorithm::Rs256));
    confused(Jwt::bearer(JwtAlgorithm::Es256));
    confused(Jwt::bearer(JwtAlgorithm::EdDsa));
}

/// A secret that was filled up with zeros is the empty one to an HMAC.
#[test]
fn a3_a_secret_of_zeros_is_no_secret() {
    let scheme = acme().with_secret_encoding(SecretEncoding::Hex);
    assert!(matches!(
        Verifier::new(scheme, "00000000"),
        Err(ConfigError::EmptySecret { .. })
    ));
}

#[test]
fn h1_a_secret_of_another_kind_is_told_what_is_expected() {
    let told = |scheme: Scheme, expected: &str| {
        let error = Verifier::new(scheme, "!").unwrap_err().to_string();
        let known = format!("the secret number 1 is not valid {expected}");
        assert_eq!(error, known);
    };
    let encoded = |encoding| acme().with_secret_encoding(encoding);
    told(encoded(SecretEncoding::Hex), "hex");
    let prefix = "whsec_".into();
    told(encoded(SecretEncoding::Base64 { prefix }), "base64");
    told(
        encoded(SecretEncoding::TextOfLength(32)),
        "text of the length that the provider's secrets have",
    );
    #[cfg(feature = "public-key")]
    for (algorithm, expected) in [
        (PublicKeyAlgorithm::Ed25519, "Ed25519 public key"),
        (PublicKeyAlgorithm::EcdsaP256Sha256, "P-256 public key"),
        (
            PublicKeyAlgorithm::RsaPssSha512,
            "RSA public key of 2048 bits or more",
        ),
    ] {
        let scheme =
            Scheme::public_key("acme", algorithm).with_signature(signature(), Grammar::Plain);
        let pem = scheme.clone().with_secret_encoding(SecretEncoding::Pem);
        told(pem, "a public key in PEM");
        told(scheme.with_secret_encoding(SecretEncoding::Text), expected);
    }
}

#[derive(Debug)]
struct Whole;

impl Protocol for Whole {
    fn precheck(&self, _: &Parts, _: Timestamp) -> Result<(), Rejection> {
        Ok(())
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        Ok(Statement::new(received.body(), []))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Body
    }
}

/// Both would judge it, and the scheme's rule would never be asked.
#[test]
fn a_protocol_judges_the_timestamp_alone() {
    refused(
        Scheme::hmac("acme", Hash::Sha256)
            .with_protocol(Arc::new(Whole))
            .with_timestamp(at(Source::header("x-time"))),
        "its protocol judges the timestamp",
    );
}
