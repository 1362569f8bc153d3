//! What a scheme of one's own can say and no preset does: genuine requests are
//! accepted, whole and in pieces, and others are refused.

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use tower_webhook::signature::{
    Coverage, Encoding, Grammar, Hash, Part, PublicKeyAlgorithm, Scheme, Source,
};
use tower_webhook::{RejectionKind, Verifier};

use crate::support::NOW;
use crate::support::keys::{impostor, sender};

const JSON: &str = r#"{"id":"evt_1","type":"paid","sigs":[null,{}]}"#;

fn verifier(scheme: &Scheme) -> Verifier {
    Verifier::new(scheme.clone(), sender(scheme).verifying_secret()).unwrap()
}

fn refusal(verifier: &Verifier, request: &Request<Bytes>) -> Option<RejectionKind> {
    let (parts, body) = request.clone().into_parts();
    let whole = verifier.verify(&parts, &body, NOW).err();
    let whole = whole.map(|rejection| rejection.kind());
    let in_pieces = match verifier.begin(&parts, NOW) {
        Ok(mut check) => {
            for piece in body.chunks(3) {
                check.update(Bytes::copy_from_slice(piece));
            }
            check.finish().err().map(|rejection| rejection.kind())
        }
        Err(rejection) => Some(rejection.kind()),
    };
    assert_eq!(whole, in_pieces);
    whole
}

/// A genuine request, after checks of it and of what is made of it.
fn checked(scheme: &Scheme, body: &'static str) -> Request<Bytes> {
    let verifier = verifier(scheme);
    let genuine = sender(scheme).at(NOW).sign("/hook?a=b", body);
    assert_eq!(refusal(&verifier, &genuine), None);
    let forged = impostor(scheme).at(NOW).sign("/hook?a=b", body);
    let mismatch = Some(RejectionKind::SignatureMismatch);
    assert_eq!(refusal(&verifier, &forged), mismatch);
    if scheme.coverage() == Coverage::Body {
        let changed = genuine
            .clone()
            .map(|body| [&body[..], b" "].concat().into());
        assert_eq!(refusal(&verifier, &changed), mismatch);
    }
    let mut unsigned = Request::post("/hook?a=b").body(Bytes::from_static(body.as_bytes()));
    *unsigned.as_mut().unwrap().headers_mut() = genuine.headers().clone();
    unsigned
        .as_mut()
        .unwrap()
        .headers_mut()
        .remove("x-signature");
    unsigned
        .as_mut()
        .unwrap()
        .headers_mut()
        .remove("x-signature-1");
    let refused = refusal(&verifier, &unsigned.unwrap());
    assert_eq!(refused, Some(RejectionKind::MissingSignature));
    genuine
}

fn hmac(source: Source) -> Scheme {
    Scheme::hmac("acme", Hash::Sha256).with_signature(source, Grammar::Plain)
}

#[test]
fn signatures_are_read_from_every_place() {
    for source in [
        Source::header("x-signature"),
        Source::lines("x-signature"),
        Source::numbered("x-signature-"),
        Source::query("signature"),
    ] {
        checked(&hmac(source.clone()), JSON);
        // The same places where the body must be there as a whole.
        let digest = [Part::Method, Part::BodyDigest(Hash::Sha512)];
        checked(&hmac(source).with_content(digest), JSON);
    }
}

#[test]
fn a_missing_signature_is_named_by_its_header() {
    for (source, detail) in [
        (Source::header("x-signature"), Some("x-signature")),
        (Source::lines("x-signature"), Some("x-signature")),
        (Source::numbered("x-signature-"), Some("x-signature-1")),
        (Source::query("signature"), None),
    ] {
        let scheme = hmac(source);
        let (parts, ()) = Request::post("/hook").body(()).unwrap().into_parts();
        let rejection = verifier(&scheme).verify(&parts, b"", NOW).unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::MissingSignature);
        assert_eq!(rejection.detail(), detail);
    }
}

/// Also where they are kept until the body is there.
#[test]
fn a18_sixteen_signatures_are_tried_and_no_more() {
    let digest = [Part::Method, Part::BodyDigest(Hash::Sha256)];
    for content in [vec![Part::Body], digest.to_vec()] {
        let scheme = hmac(Source::lines("x-signature")).with_content(content);
        let verifier = verifier(&scheme);
        let mut request = sender(&scheme).at(NOW).sign("/hook", JSON);
        let wrong = HeaderValue::from_str(&"0".repeat(64)).unwrap();
        for _ in 0..15 {
            request.headers_mut().append("x-signature", wrong.clone());
        }
        assert_eq!(refusal(&verifier, &request), None);
        request.headers_mut().append("x-signature", wrong);
        assert_eq!(
            refusal(&verifier, &request),
            Some(RejectionKind::TooManySignatures)
        );
    }
}

/// Or a longer id could take the place of a shorter one and what follows it.
#[test]
fn a23_a_signed_id_does_not_hold_what_ends_it() {
    let scheme = hmac(Source::header("x-signature"))
        .with_event_id([Source::header("x-id")])
        .with_content([Part::EventId, Part::literal("::"), Part::Body]);
    let verifier = verifier(&scheme);
    for (id, expected) in [
        ("evt:1", None),
        ("evt::1", Some(RejectionKind::MalformedSignedValue)),
        ("::", Some(RejectionKind::MalformedSignedValue)),
    ] {
        let signer = sender(&scheme).with_event_id(id);
        assert_eq!(
            refusal(&verifier, &signer.sign("/hook", JSON)),
            expected,
            "{id}"
        );
    }
}

#[test]
fn an_id_in_a_form_is_signed_where_the_body_is() {
    let with_id = |part| {
        hmac(Source::header("x-signature"))
            .with_content([part])
            .with_event_id([Source::form("id")])
    };
    assert!(with_id(Part::Body).signs_event_id());
    assert!(!with_id(Part::header("x-nonce")).signs_event_id());
}

#[test]
fn a_scheme_says_which_methods_deliver() {
    let scheme = hmac(Source::header("x-signature"));
    assert_eq!(scheme.methods(), [Method::POST]);
    let scheme = scheme.with_methods([Method::GET, Method::PUT]);
    assert_eq!(scheme.methods(), [Method::GET, Method::PUT]);
}

/// The signature is in the form, so that the form cannot be what is signed.
#[test]
fn a_signature_in_a_form_is_over_something_else() {
    let scheme = hmac(Source::form("signature"))
        .with_content([Part::header("x-nonce")])
        .with_event_id([Source::form("id")])
        .with_event_type([Source::form("type")]);
    let request = checked(&scheme, "id=evt_1&type=paid");
    let (parts, body) = request.clone().into_parts();
    let verifier = verifier(&scheme);
    let verified = verifier.verify(&parts, &body, NOW).unwrap();
    let id = verified.event_id().unwrap().unwrap();
    assert_eq!(id.to_string(), "evt_1");
    assert_eq!(AsRef::<str>::as_ref(&id), "evt_1");
    assert_eq!(verified.event_type().as_deref(), Some("paid"));

    let mut other = request.clone();
    let nonce = HeaderValue::from_static("other");
    other.headers_mut().insert("x-nonce", nonce.clone());
    assert_eq!(
        refusal(&verifier, &other),
        Some(RejectionKind::SignatureMismatch)
    );
    other.headers_mut().append("x-nonce", nonce);
    assert_eq!(
        refusal(&verifier, &other),
        Some(RejectionKind::MalformedSignedValue)
    );
    other.headers_mut().remove("x-nonce");
    assert_eq!(
        refusal(&verifier, &other),
        Some(RejectionKind::MissingSignedValue)
    );
}

/// F17: two parsers read two values of a field that comes twice.
#[test]
fn f17_a_repeated_field_of_a_form_is_no_signature_and_no_id() {
    let scheme = hmac(Source::form("signature"))
        .with_content([Part::header("x-nonce")])
        .with_event_id([Source::form("id")]);
    let request = sender(&scheme).at(NOW).sign("/hook", "id=evt_1");
    let verifier = verifier(&scheme);
    let twice = |pair: &str| {
        let added = pair.to_owned();
        request
            .clone()
            .map(|body| [&body[..], added.as_bytes()].concat().into())
    };
    assert_eq!(
        refusal(&verifier, &twice("&signature=00")),
        Some(RejectionKind::MalformedBody)
    );
    let (parts, body) = twice("&id=evt_2").into_parts();
    let verified = verifier.verify(&parts, &body, NOW).unwrap();
    assert!(verified.event_id().is_err());
}

#[test]
fn a_signature_may_stand_in_an_array() {
    let values = [Part::value("/id"), Part::value("/type")];
    for pointer in ["/sigs/0", "/sigs/1/deep"] {
        let scheme = hmac(Source::pointer(pointer)).with_content(values.clone());
        checked(&scheme, JSON);
    }
}

#[test]
fn hashes_and_encodings_are_told_apart() {
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
        let plain = Scheme::hash("acme", hash)
            .with_signature(Source::header("x-signature"), Grammar::Plain)
            .with_content([Part::Body, Part::literal("."), Part::Secret]);
        let mac = Scheme::hmac("acme", hash)
            .with_signature(Source::header("x-signature"), Grammar::Plain);
        for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
            let written = checked(&plain.clone().with_encoding(encoding), JSON);
            let scheme = mac.clone().with_encoding(encoding);
            checked(&scheme, JSON);
            // The other one's signature is none of this one's.
            let refused = refusal(&verifier(&scheme), &written);
            assert_eq!(refused, Some(RejectionKind::SignatureMismatch));
        }
    }
}

#[test]
fn every_algorithm_with_a_public_key_is_verified() {
    for algorithm in [
        PublicKeyAlgorithm::Ed25519,
        PublicKeyAlgorithm::EcdsaP256Sha256,
        PublicKeyAlgorithm::EcdsaP256Sha256Fixed,
        PublicKeyAlgorithm::RsaPkcs1Sha256,
        PublicKeyAlgorithm::RsaPssSha512,
    ] {
        let scheme = Scheme::public_key("acme", algorithm)
            .with_signature(Source::header("x-signature"), Grammar::Plain);
        checked(&scheme, JSON);
    }
}

/// SHA-1 is verified where a provider has nothing else, and never signed.
#[test]
fn nothing_is_signed_with_rsa_and_sha1() {
    let scheme = Scheme::public_key("acme", PublicKeyAlgorithm::RsaPkcs1Sha1)
        .with_signature(Source::header("x-signature"), Grammar::Plain);
    let pair = include_str!("../../keys/rsa_1.pem");
    assert!(tower_webhook::testing::Signer::new(scheme, pair).is_err());
}
