//! Signatures with a provider's private key.

use http::HeaderValue;
use tower_webhook::signature::{Algorithm, Scheme, Source};
use tower_webhook::{ConfigError, RejectionKind, Secret, Secrets, Timestamp, Verifier};

use super::{body, genuine, refusal, scheme, verifier, whole_schemes};
use crate::support::NOW;
use crate::support::keys::{impostor, other_verifying_secret, sender};
use crate::support::route::Route;

fn public_key_schemes() -> impl Iterator<Item = Scheme> {
    whole_schemes().filter(|scheme| matches!(scheme.algorithm(), Algorithm::PublicKey(_)))
}

fn signature_header(scheme: &Scheme) -> String {
    match scheme.signatures() {
        [Source::Header(names)] => names[0].to_string(),
        _ => panic!("{} has its signature elsewhere", scheme.name()),
    }
}

#[test]
fn there_is_a_preset_for_each_kind_of_key() {
    assert!(public_key_schemes().count() >= 5);
}

#[test]
fn a5_a6_a7_a8_changed_signatures_are_refused() {
    for scheme in public_key_schemes() {
        let verifier = verifier(&scheme);
        let request = genuine(&scheme);
        let header: String = signature_header(&scheme);
        let value = request.headers()[&header].as_bytes().to_vec();
        let refused = |value: &[u8]| {
            let Ok(value) = HeaderValue::from_bytes(value) else {
                return;
            };
            let mut request = request.clone();
            request
                .headers_mut()
                .insert(header.parse::<http::HeaderName>().unwrap(), value);
            let kind = refusal(&verifier, &request);
            assert!(
                kind.is_some_and(RejectionKind::is_verification_failure),
                "{}",
                scheme.name()
            );
        };
        for length in [0, 1, 16, value.len() - 1] {
            refused(&value[..length]);
        }
        refused(&[&value[..], b"00"].concat());
        refused(&[&value[..], &value[..]].concat());
        for position in 0..value.len() {
            let mut changed = value.clone();
            // A letter for another: upper case means the same in hex.
            changed[position] = if changed[position] == b'1' {
                b'2'
            } else {
                b'1'
            };
            refused(&changed);
        }
    }
}

#[test]
fn one_key_of_several_is_enough_and_is_named() {
    for scheme in public_key_schemes() {
        let secrets = Secrets::from([
            other_verifying_secret(&scheme).with_label("old"),
            sender(&scheme).verifying_secret().with_label("new"),
        ]);
        let verifier = Verifier::new(scheme.clone(), secrets).unwrap();
        for (signer, label) in [(impostor(&scheme), "old"), (sender(&scheme), "new")] {
            let (parts, body) = signer.at(NOW).sign("/hook", body(&scheme)).into_parts();
            let verified = verifier.verify(&parts, &body, NOW).unwrap();
            assert_eq!(verified.key_label(), Some(label), "{}", scheme.name());
        }
    }
}

#[test]
fn a4_an_expired_key_verifies_nothing() {
    for scheme in public_key_schemes() {
        let key = sender(&scheme).verifying_secret().with_expiry(NOW);
        let verifier = Verifier::new(scheme.clone(), key).unwrap();
        let refused = refusal(&verifier, &genuine(&scheme));
        assert_eq!(
            refused,
            Some(RejectionKind::NoActiveSecret),
            "{}",
            scheme.name()
        );
    }
}

#[test]
fn a3_what_is_no_key_of_that_kind_is_refused_at_construction() {
    for scheme in public_key_schemes() {
        for text in [
            "",
            "x",
            "not a key",
            "0000",
            "AAAA",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert!(
                Verifier::new(scheme.clone(), text).is_err(),
                "{} {text}",
                scheme.name()
            );
        }
        for (other, name) in public_key_schemes().map(|other| {
            let name = other.name().to_owned();
            (sender(&other).verifying_secret(), name)
        }) {
            if scheme.algorithm() != super::scheme(&name).algorithm() {
                let built = Verifier::new(scheme.clone(), other);
                assert!(built.is_err(), "{} with the key of {name}", scheme.name());
            }
        }
    }
}

#[test]
fn small_rsa_keys_are_refused() {
    // 1024 bits, openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024
    const SMALL: &str = include_str!("../../keys/rsa_1024_public.pem");
    assert!(matches!(
        Verifier::new(scheme("wise"), SMALL),
        Err(ConfigError::UndecodableSecret { .. })
    ));
}

#[test]
fn a_pem_key_may_end_in_a_line_break() {
    let scheme = scheme("wise");
    let key = sender(&scheme).verifying_secret();
    let shown = format!("{key:?}");
    assert!(!shown.contains("BEGIN"), "{shown}");
    assert!(
        Verifier::new(
            scheme,
            Secret::new(String::from(include_str!("../../keys/rsa_1_public.pem")) + "\n")
        )
        .is_ok()
    );
}

/// The sender signs each attempt anew, with a new timestamp.
#[tokio::test]
async fn b9_a_batch_that_is_signed_anew_is_a_duplicate() {
    let scheme = scheme("sendgrid");
    let route = Route::new(verifier(&scheme));
    let at = |seconds| {
        sender(&scheme)
            .at(Timestamp::from_unix_seconds(seconds))
            .sign("/hook", body(&scheme))
    };
    route.accepts(at(1_700_000_000), "the first attempt").await;
    route.recognises(at(1_700_000_060), "the second").await;
}
