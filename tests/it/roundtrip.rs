//! Sign, verify, tamper: for every preset in the registry.

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, Uri};
use proptest::prelude::*;
use tower_webhook::Verifier;
use tower_webhook::signature::{Algorithm, Grammar, Hash, Part, Scheme, Source, TimestampRule};

use crate::support::forge::{Forgery, signature_header};
use crate::support::{BODY, NOW, SECRET, accepts, genuine, schemes, signer, signs_body, verifier};

/// Where the timestamp is in the body, so must `content` be.
fn body_for(scheme: &Scheme, content: &[u8]) -> Bytes {
    let source = scheme.timestamp().map(TimestampRule::source);
    if matches!(source, Some(Source::Pointer(_))) {
        let text = serde_json::Value::from(String::from_utf8_lossy(content));
        BODY.replacen('{', &format!(r#"{{"x":{text},"#), 1).into()
    } else {
        Bytes::copy_from_slice(content)
    }
}

/// Verifies the body in pieces, as a server receives it.
fn accepts_in_pieces(verifier: &Verifier, request: &Request<Bytes>, size: usize) -> bool {
    let (parts, body) = request.clone().into_parts();
    let Ok(mut check) = verifier.begin(&parts, NOW) else {
        return false;
    };
    for piece in body.chunks(size) {
        check.update(Bytes::copy_from_slice(piece));
    }
    assert_eq!(check.received(), body.len());
    match check.finish() {
        Ok(verified) => verified.body() == body,
        Err(_) => false,
    }
}

/// Where a letter means the same in either case.
fn has_no_case(scheme: &Scheme, header: &HeaderName, position: usize) -> bool {
    if header.as_str().starts_with("box-signature-a") {
        return true; // HmacSHA256
    }
    if signature_header(scheme).as_ref() != Some(header) {
        return false;
    }
    // `Bearer`, not the token.
    if let Grammar::Authorization { scheme } = scheme.grammar() {
        return position < scheme.len();
    }
    // The digits of a MAC in hex, not what stands in front of them.
    matches!(scheme.algorithm(), Algorithm::Hmac(_)) && {
        let forged = Forgery::of(scheme);
        forged.is_hex && position >= forged.prefix.len()
    }
}

fn is_unsigned_id(scheme: &Scheme, header: &HeaderName) -> bool {
    !scheme.signs_event_id()
        && matches!(scheme.event_id(), [Source::Header(names)] if names[0] == header.as_str())
}

/// A8, A9: of the headers, only what is not signed, or means the same in
/// another case, may change by a bit.
#[test]
fn any_flipped_bit_in_a_signed_header_is_refused() {
    for scheme in schemes() {
        let verifier = verifier(&scheme);
        let request = genuine(&scheme);
        for (header, value) in request.headers() {
            let unsigned = is_unsigned_id(&scheme, header);
            for position in 0..value.len() {
                let no_case = has_no_case(&scheme, header, position);
                for bit in 0..8 {
                    let mut bytes = value.as_bytes().to_vec();
                    let before = bytes[position];
                    bytes[position] ^= 1 << bit;
                    let same = bytes[position].eq_ignore_ascii_case(&before) && no_case;
                    let Ok(changed) = HeaderValue::from_bytes(&bytes) else {
                        continue;
                    };
                    let mut tampered = request.clone();
                    tampered.headers_mut().insert(header, changed);
                    let shown = String::from_utf8_lossy(&bytes);
                    assert_eq!(
                        accepts(&verifier, &tampered),
                        same || unsigned,
                        "{} {header}: {shown}",
                        scheme.name()
                    );
                }
            }
        }
    }
}

#[test]
fn any_flipped_bit_in_a_token_in_the_query_is_refused() {
    let scheme = schemes().find(|scheme| scheme.name() == "pingdom").unwrap();
    let verifier = verifier(&scheme);
    let request = genuine(&scheme);
    let target = request.uri().to_string();
    let start = target.find('?').unwrap() + 1;
    for position in start..target.len() {
        for bit in 0..8 {
            let mut bytes = target.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            let Ok(changed) = PathAndQuery::try_from(&bytes[..]) else {
                continue;
            };
            let mut tampered = request.clone();
            *tampered.uri_mut() = Uri::from(changed);
            assert!(!accepts(&verifier, &tampered), "{}", tampered.uri());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn genuine_is_accepted_and_any_flipped_bit_is_refused(
        content in proptest::collection::vec(any::<u8>(), 0..300),
        position in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        size in 1..100_usize,
    ) {
        for scheme in schemes() {
            let name = scheme.name().to_owned();
            let verifier = verifier(&scheme);
            let request = signer(&scheme).sign("/hook", body_for(&scheme, &content));
            prop_assert!(accepts(&verifier, &request), "{name}");
            prop_assert!(accepts_in_pieces(&verifier, &request, size), "{name}");

            if signs_body(&scheme) && !request.body().is_empty() {
                let mut tampered = request.clone();
                let mut bytes = request.body().to_vec();
                bytes[position.index(request.body().len())] ^= 1 << bit;
                *tampered.body_mut() = bytes.into();
                prop_assert!(!accepts(&verifier, &tampered), "{name}");
                prop_assert!(!accepts_in_pieces(&verifier, &tampered, size), "{name}");
            }
        }
    }

    /// A20: one byte less, one more, two in the other order.
    #[test]
    fn bytes_that_go_come_or_change_places_are_refused(
        content in proptest::collection::vec(any::<u8>(), 2..300),
        position in any::<prop::sample::Index>(),
        extra in any::<u8>(),
    ) {
        for scheme in schemes().filter(signs_body) {
            let verifier = verifier(&scheme);
            let request = signer(&scheme).sign("/hook", body_for(&scheme, &content));
            let body = request.body().to_vec();
            let at = position.index(body.len() - 1);
            let mut less = body.clone();
            less.remove(at);
            let mut more = body.clone();
            more.insert(at, extra);
            let mut swapped = body.clone();
            swapped.swap(at, at + 1);
            let twice = [&body[..], &body].concat();
            for other in [less, more, swapped, body[..at].to_vec(), twice] {
                if other == body {
                    continue;
                }
                let mut tampered = request.clone();
                *tampered.body_mut() = other.into();
                prop_assert!(!accepts(&verifier, &tampered), "{}", scheme.name());
            }
        }
    }

    /// Whatever the headers hold, it is an answer and not a panic.
    #[test]
    fn f19_no_header_makes_the_verifier_panic(
        value in proptest::collection::vec(any::<u8>(), 0..200),
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let Ok(value) = HeaderValue::from_bytes(&value) else {
            return Ok(());
        };
        for scheme in schemes() {
            let verifier = verifier(&scheme);
            let request = genuine(&scheme);
            for name in request.headers().keys() {
                if is_unsigned_id(&scheme, name) {
                    continue;
                }
                let mut odd = request.clone();
                odd.headers_mut().insert(name, value.clone());
                prop_assert!(!accepts(&verifier, &odd), "{} {name}", scheme.name());
                *odd.body_mut() = Bytes::copy_from_slice(&body);
                prop_assert!(!accepts(&verifier, &odd), "{} {name}", scheme.name());
            }
        }
    }

    /// A scheme of the user's own, with every part that there is.
    #[test]
    fn a_custom_scheme_holds_as_the_presets_do(
        id in "[a-z0-9_-]{1,40}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
        hash in prop_oneof![Just(Hash::Sha1), Just(Hash::Sha256), Just(Hash::Sha512)],
        position in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let scheme = Scheme::hmac("custom", hash)
            .with_content([
                Part::literal("v9."),
                Part::EventId,
                Part::literal("|"),
                Part::Body,
                Part::literal("|"),
                Part::Timestamp,
            ])
            .with_signature(Source::header("x-sig"), Grammar::fields(';', "s"))
            .with_timestamp(TimestampRule::millis(Source::field("at")))
            .with_event_id([Source::header("x-id")]);
        let verifier = verifier(&scheme);
        let request = signer(&scheme).with_event_id(id).sign("/", body);
        prop_assert!(accepts(&verifier, &request));
        for name in ["x-sig", "x-id"] {
            let mut bytes = request.headers()[name].as_bytes().to_vec();
            let at = position.index(bytes.len());
            let before = bytes[at];
            bytes[at] ^= 1 << bit;
            let in_mac = name == "x-sig" && at >= "at=1700000000000;s=".len();
            let same = in_mac && bytes[at].eq_ignore_ascii_case(&before);
            let Ok(changed) = HeaderValue::from_bytes(&bytes) else { continue };
            let mut tampered = request.clone();
            tampered.headers_mut().insert(name, changed);
            prop_assert_eq!(accepts(&verifier, &tampered), same, "{} {:?}", name, bytes);
        }
    }
}

/// With two secrets, what one signed is refused once a bit of it changes, as
/// is what neither signed.
#[test]
fn two_secrets_open_no_third_way() {
    for scheme in schemes().filter(signs_body) {
        let both = Verifier::new(scheme.clone(), [crate::support::OTHER_SECRET, SECRET]).unwrap();
        let forged = Forgery::of(&scheme);
        assert!(accepts(&both, &forged.request));
        let other = tower_webhook::testing::Signer::new(scheme.clone(), "3d3d3d3d").unwrap();
        let other = other.at(NOW).sign("/hook", crate::support::BODY);
        assert!(!accepts(&both, &other), "{}", scheme.name());
        // Half of one's MAC and half of the other's.
        let theirs = crate::support::OTHER_SECRET;
        let theirs = tower_webhook::testing::Signer::new(scheme.clone(), theirs).unwrap();
        let theirs = theirs.at(NOW).sign("/hook", crate::support::BODY);
        let value = theirs.headers()[&forged.header]
            .to_str()
            .unwrap()
            .to_owned();
        let own = forged.text();
        let half = own.len() / 2;
        let mixed = format!(
            "{}{}",
            &own[..half],
            &value[value.len() - own.len() + half..]
        );
        assert!(
            !accepts(&both, &forged.with_text(mixed)),
            "{}",
            scheme.name()
        );
    }
}
