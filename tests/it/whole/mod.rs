//! Presets whose body must be there as a whole: signatures and signed values in
//! it, public keys; and those with several signatures outside it.

mod braintree;
mod items;
mod keys;
mod listed;
mod values;

use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use tower_webhook::signature::{Coverage, Part, Scheme};
use tower_webhook::{RejectionKind, Verifier};

use crate::support::keys::{impostor, sender};
use crate::support::route::Route;
use crate::support::{NOW, all_schemes, streams};

pub fn whole_schemes() -> impl Iterator<Item = Scheme> {
    all_schemes().filter(|scheme| !streams(scheme))
}

pub fn scheme(name: &str) -> Scheme {
    all_schemes().find(|scheme| scheme.name() == name).unwrap()
}

pub fn verifier(scheme: &Scheme) -> Verifier {
    Verifier::new(scheme.clone(), sender(scheme).verifying_secret()).unwrap()
}

/// A body that holds what the preset reads from it.
pub fn body(scheme: &Scheme) -> &'static str {
    match scheme.name() {
        "adyen" => {
            r#"{"notificationItems":[{"NotificationRequestItem":{"pspReference":"1","eventCode":"AUTHORISATION","success":"true"}},{"NotificationRequestItem":{"pspReference":"2","eventCode":"CAPTURE","success":"true"}}]}"#
        }
        "cloudinary_sha1" | "cloudinary_sha256" => {
            r#"{"notification_type":"upload","public_id":"dog"}"#
        }
        "mailgun" => {
            r#"{"signature":{"timestamp":"1700000000","token":"t"},"event-data":{"id":"e","event":"opened"}}"#
        }
        "microsoft_graph" => r#"{"value":[{"changeType":"updated"},{"changeType":"deleted"}]}"#,
        "sendgrid" => r#"[{"sg_event_id":"a"},{"sg_event_id":"b"}]"#,
        "square" => r#"{"event_id":"evt_1","type":"t"}"#,
        "telnyx" => r#"{"data":{"id":"evt_1","event_type":"t"}}"#,
        _ => r#"{"id":"evt_1","type":"t"}"#,
    }
}

pub fn genuine(scheme: &Scheme) -> Request<Bytes> {
    sender(scheme).at(NOW).sign("/hook", body(scheme))
}

/// The same request with another body.
pub fn with_body(request: &Request<Bytes>, body: impl Into<Bytes>) -> Request<Bytes> {
    request.clone().map(|_| body.into())
}

pub fn refusal(verifier: &Verifier, request: &Request<Bytes>) -> Option<RejectionKind> {
    let (parts, body) = request.clone().into_parts();
    let verdict = verifier.verify(&parts, &body, NOW);
    verdict.err().map(|rejection| rejection.kind())
}

fn refusal_in_pieces(
    verifier: &Verifier,
    request: &Request<Bytes>,
    size: usize,
) -> Option<RejectionKind> {
    let (parts, body) = request.clone().into_parts();
    let mut check = match verifier.begin(&parts, NOW) {
        Ok(check) => check,
        Err(rejection) => return Some(rejection.kind()),
    };
    for piece in body.chunks(size) {
        check.update(Bytes::copy_from_slice(piece));
    }
    check.finish().err().map(|rejection| rejection.kind())
}

#[test]
fn genuine_requests_are_accepted_whole_and_in_pieces() {
    assert!(whole_schemes().count() >= 10);
    for scheme in whole_schemes() {
        let (verifier, request) = (verifier(&scheme), genuine(&scheme));
        assert_eq!(refusal(&verifier, &request), None, "{}", scheme.name());
        for size in [1, 7, 1000] {
            let refused = refusal_in_pieces(&verifier, &request, size);
            assert_eq!(refused, None, "{} in {size}", scheme.name());
        }
    }
}

#[tokio::test]
async fn a19_an_impostors_request_is_refused_and_leaves_no_trace() {
    for scheme in whole_schemes() {
        let route = Route::new(verifier(&scheme));
        let forged = impostor(&scheme).at(NOW).sign("/hook", body(&scheme));
        let kind = route.refuses(forged, scheme.name()).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{}", scheme.name());
        route.accepts(genuine(&scheme), scheme.name()).await;
    }
}

#[tokio::test]
async fn b1_a_replay_is_a_duplicate() {
    for scheme in whole_schemes().filter(Scheme::has_content_identity) {
        let route = Route::new(verifier(&scheme));
        route.accepts(genuine(&scheme), scheme.name()).await;
        // ECDSA signs the same content anew each time.
        route.recognises(genuine(&scheme), scheme.name()).await;
    }
}

#[test]
fn b2_stale_requests_are_refused() {
    for scheme in whole_schemes() {
        let Some(rule) = scheme.timestamp() else {
            continue;
        };
        let request = genuine(&scheme);
        let (parts, body) = request.into_parts();
        let verifier = verifier(&scheme);
        let second = std::time::Duration::from_secs(1);
        let edge = NOW.saturating_add(rule.past_tolerance());
        assert!(verifier.verify(&parts, &body, edge).is_ok());
        let refused = verifier.verify(&parts, &body, edge.saturating_add(second));
        assert_eq!(
            refused.unwrap_err().kind(),
            RejectionKind::TimestampTooOld,
            "{}",
            scheme.name()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a20_any_flipped_bit_in_a_signed_body_is_refused(
        position in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        for scheme in whole_schemes() {
            let whole = |part: &Part| matches!(part, Part::Body | Part::BodyDigest(_));
            if scheme.coverage() != Coverage::Body || !scheme.content().iter().any(whole) {
                continue;
            }
            let request = genuine(&scheme);
            let mut bytes = request.body().to_vec();
            bytes[position.index(request.body().len())] ^= 1 << bit;
            let refused = refusal(&verifier(&scheme), &with_body(&request, bytes));
            prop_assert_eq!(refused, Some(RejectionKind::SignatureMismatch), "{}", scheme.name());
        }
    }

    #[test]
    fn f19_no_body_makes_a_verifier_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for scheme in whole_schemes() {
            let request = with_body(&genuine(&scheme), bytes.clone());
            prop_assert!(refusal(&verifier(&scheme), &request).is_some(), "{}", scheme.name());
        }
    }
}
