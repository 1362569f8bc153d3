//! B11, B12, B13, C16, C17: event ids and the rows they become.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use tower_webhook::RejectionKind;
use tower_webhook::dedup::DedupLayer;
use tower_webhook::signature::Scheme;

use super::replay::id_header;
use crate::support::route::Route;
use crate::support::store::RecordingStore;
use crate::support::{BODY, NOW, genuine, hmac_schemes, schemes, signer, signs_body, verifier};

#[tokio::test]
async fn b11_a_delivery_without_the_id_it_always_has_is_refused() {
    for scheme in schemes().filter(Scheme::requires_event_id) {
        let name = scheme.name();
        let mut request = genuine(&scheme);
        match id_header(&scheme) {
            Some(header) => {
                request.headers_mut().remove(header);
            }
            None => {
                let without_ids = BODY.replace("id\":", "x\":").replace("Id\":", "X\":");
                request = signer(&scheme).sign("/hook", without_ids);
            }
        }
        let route = Route::new(verifier(&scheme));
        let answer = route.send(request).await;
        let expected = match answer.kind() {
            RejectionKind::MissingSignedValue => StatusCode::UNAUTHORIZED,
            RejectionKind::MissingEventId => StatusCode::BAD_REQUEST,
            other => panic!("{name}: {other}"),
        };
        assert_eq!(answer.status, expected, "{name}");
        assert_eq!((route.calls.get(), route.store.claims()), (0, 0), "{name}");
    }
}

/// Removing an id that some deliveries lack does not make a new event of a
/// captured one.
#[tokio::test]
async fn b11_an_optional_id_cannot_be_dropped_to_replay() {
    for scheme in hmac_schemes().filter(|scheme| !scheme.requires_event_id()) {
        let Some(header) = id_header(&scheme) else {
            continue;
        };
        let mut without = genuine(&scheme);
        without.headers_mut().remove(header);
        let with = genuine(&scheme);
        for [first, second] in [[&with, &without], [&without, &with]] {
            let route = Route::new(verifier(&scheme));
            route.accepts(first.clone(), scheme.name()).await;
            route.recognises(second.clone(), scheme.name()).await;
        }
    }
}

#[tokio::test]
async fn an_unusable_id_is_refused_and_leaves_no_row() {
    for scheme in schemes() {
        let Some(header) = id_header(&scheme) else {
            continue;
        };
        let name = scheme.name();
        let long = "x".repeat(256);
        for id in ["", "a\tb", "\u{fffd}\t", &long] {
            let request = signer(&scheme).with_event_id("x").sign("/hook", BODY);
            let mut request = if scheme.signs_event_id() {
                let Ok(signed) = std::panic::catch_unwind(AssertUnwindSafe(|| {
                    signer(&scheme).with_event_id(id).sign("/hook", BODY)
                })) else {
                    continue;
                };
                signed
            } else {
                request
            };
            let value = HeaderValue::from_bytes(id.as_bytes()).unwrap();
            request.headers_mut().insert(&header, value);
            let route = Route::new(verifier(&scheme));
            let answer = route.send(request).await;
            assert_eq!(
                answer.kind(),
                RejectionKind::InvalidEventId,
                "{name} {id:?}"
            );
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
            assert_eq!((route.calls.get(), route.store.claims()), (0, 0), "{name}");
        }
    }
}

/// The same verified bytes claim the same rows, however the request spells
/// what is not signed (B12: none of the presets sorts a query).
#[tokio::test]
async fn b12_b13_the_rows_are_a_function_of_what_was_verified() {
    for scheme in schemes().filter(Scheme::has_content_identity) {
        let route = Route::new(verifier(&scheme));
        let mut expected = None;
        for (uri, header) in [
            ("/hook", "1"),
            ("/hook?b=2&a=1", "2"),
            ("/hook?a=1&b=2", "3"),
            ("/other/../hook", "4"),
        ] {
            let mut request = signer(&scheme).sign(uri, BODY);
            request
                .headers_mut()
                .insert("x-request-id", HeaderValue::from_static(header));
            route.send(request).await;
            let claimed = route.store.take_claimed();
            assert!(!claimed.is_empty(), "{}", scheme.name());
            let first = expected.get_or_insert_with(|| claimed.clone());
            // A replay is known by its first row already.
            assert_eq!(first[0], claimed[0], "{} {uri}", scheme.name());
        }
        assert_eq!(route.calls.get(), 1, "{}", scheme.name());
    }
}

/// Two processes agree on the rows: nothing random goes into a key.
#[tokio::test]
async fn b13_two_receivers_claim_the_same_rows() {
    for scheme in schemes() {
        let mut claimed = Vec::new();
        for _ in 0..2 {
            let route = Route::new(verifier(&scheme));
            route.accepts(genuine(&scheme), scheme.name()).await;
            claimed.push(route.store.take_claimed());
        }
        assert_eq!(claimed[0], claimed[1], "{}", scheme.name());
    }
}

#[tokio::test]
async fn c16_a_forged_request_does_not_occupy_the_id_of_a_coming_one() {
    for scheme in schemes().filter(Scheme::has_content_identity) {
        let clock = Arc::new(tower_webhook::testing::ManualClock::new(NOW));
        let store = Arc::new(RecordingStore::new(clock));
        let route = Route::with(verifier(&scheme), |layer| {
            layer.with_dedup(DedupLayer::new(store.clone())).unwrap()
        });
        let theirs = tower_webhook::testing::Signer::new(scheme.clone(), "f0f0f0f0f0f0").unwrap();
        let forged = theirs.at(NOW).sign("/hook", BODY);
        route.refuses(forged, scheme.name()).await;
        assert_eq!((store.claims(), store.rows()), (0, 0));
        route.accepts(genuine(&scheme), scheme.name()).await;
        let rows = if signs_body(&scheme) && !scheme.event_id().is_empty() {
            2 - usize::from(scheme.signs_event_id())
        } else {
            1
        };
        assert_eq!(store.rows(), rows, "{}", scheme.name());
    }
}
