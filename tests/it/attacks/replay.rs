//! B1, B2, B8–B13: the same delivery again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use tower_webhook::dedup::DedupLayer;
use tower_webhook::provider;
use tower_webhook::signature::{Scheme, Source};
use tower_webhook::{Clock, RejectionKind};

use crate::support::route::Route;
use crate::support::store::RecordingStore;
use crate::support::{BODY, NOW, genuine, hmac_schemes, schemes, signer, signs_body, verifier};

/// The header that an event's id is read from.
fn id_header(scheme: &Scheme) -> Option<HeaderName> {
    let [Source::Header(names)] = scheme.event_id() else {
        return None;
    };
    Some(HeaderName::try_from(names[0].as_ref()).unwrap())
}

fn with_id(request: &Request<Bytes>, header: &HeaderName, id: &'static str) -> Request<Bytes> {
    let mut request = request.clone();
    request
        .headers_mut()
        .insert(header, HeaderValue::from_static(id));
    request
}

#[tokio::test]
async fn b1_a_replay_within_the_tolerance_is_a_duplicate() {
    for scheme in schemes() {
        let route = Route::new(verifier(&scheme));
        route.accepts(genuine(&scheme), scheme.name()).await;
        for _ in 0..3 {
            route.recognises(genuine(&scheme), scheme.name()).await;
        }
    }
}

#[tokio::test]
async fn b2_a_replay_after_the_tolerance_is_refused_before_the_store() {
    for scheme in schemes() {
        let Some(rule) = scheme.timestamp() else {
            continue;
        };
        let route = Route::new(verifier(&scheme));
        route.accepts(genuine(&scheme), scheme.name()).await;
        route
            .clock
            .advance(rule.past_tolerance() + Duration::from_secs(1));
        let kind = route.refuses(genuine(&scheme), scheme.name()).await;
        assert_eq!(kind, RejectionKind::TimestampTooOld);
    }
}

/// The wall clock judges signatures, and nothing else.
#[tokio::test]
async fn b8_a_step_of_the_clock_does_not_open_a_lease() {
    for hours in [-1, 1] {
        let scheme = provider::stripe();
        let layer = DedupLayer::in_memory();
        let clock = Arc::new(tower_webhook::testing::ManualClock::new(NOW));
        let (started, resume) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let calls = crate::support::Calls::default();
        let (started, resume) = (Arc::new(started), Arc::new(resume));
        let handler = {
            let (started, resume, calls) = (started.clone(), resume.clone(), calls.clone());
            tower::service_fn(move |_: Request<tower_webhook::VerifiedBody>| {
                let (started, resume) = (started.clone(), resume.clone());
                calls.add();
                async move {
                    started.notify_one();
                    resume.notified().await;
                    Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
                }
            })
        };
        let layer = tower_webhook::WebhookLayer::new(verifier(&scheme))
            .with_clock(clock.clone())
            .with_dedup(layer)
            .unwrap();
        let app = tower::Layer::layer(&layer, handler);
        let send = |at| {
            let request = signer(&scheme).at(at).sign("/hook", BODY);
            let request = request.map(http_body_util::Full::new);
            tower::ServiceExt::oneshot(app.clone(), request)
        };

        let first = tokio::spawn(send(clock.now()));
        started.notified().await;
        let stepped = NOW.unix_seconds() + hours * 3600;
        clock.set(tower_webhook::Timestamp::from_unix_seconds(stepped));

        let second = send(clock.now()).await.unwrap();
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE, "{hours}");
        assert!(second.headers().contains_key("retry-after"));
        resume.notify_one();
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        let third = send(clock.now()).await.unwrap();
        assert!(
            third
                .extensions()
                .get::<tower_webhook::dedup::Duplicate>()
                .is_some()
        );
        assert_eq!(calls.get(), 1, "{hours}");
    }
}

#[tokio::test]
async fn b9_a_retry_signed_anew_three_days_later_is_a_duplicate() {
    let three_days = Duration::from_secs(3 * 24 * 3600);
    for scheme in [
        provider::stripe(),
        provider::paddle(),
        provider::slack(),
        provider::standard_webhooks(),
        provider::svix(),
    ] {
        let route = Route::new(verifier(&scheme));
        route.accepts(genuine(&scheme), scheme.name()).await;
        route.clock.advance(three_days);
        route.store_clock.advance(three_days);
        let retry = signer(&scheme).at(route.clock.now()).sign("/hook", BODY);
        route.recognises(retry, scheme.name()).await;
    }
}

#[tokio::test]
async fn b10_a_replay_under_a_fresh_unsigned_id_is_a_duplicate() {
    let mut tried = 0;
    for scheme in hmac_schemes().filter(|scheme| !scheme.signs_event_id()) {
        let Some(header) = id_header(&scheme) else {
            continue;
        };
        tried += 1;
        let name = scheme.name();
        let captured = genuine(&scheme);
        let route = Route::new(verifier(&scheme));
        route.accepts(captured.clone(), name).await;
        let rows = route.store.rows();
        for id in ["fresh-1", "fresh-2"] {
            route
                .recognises(with_id(&captured, &header, id), name)
                .await;
        }
        assert_eq!(route.store.rows(), rows, "{name}: a replay left a row");
        // Another delivery under one of those ids is not lost by it.
        let next = signer(&scheme)
            .with_event_id("fresh-1")
            .sign("/hook", format!("{BODY} "));
        route.accepts(next, name).await;
    }
    assert!(tried >= 5, "{tried}");
}

#[tokio::test]
async fn b11_a_delivery_without_the_id_it_always_has_is_refused() {
    for scheme in schemes().filter(Scheme::requires_event_id) {
        let name = scheme.name();
        let mut request = genuine(&scheme);
        match id_header(&scheme) {
            Some(header) => {
                request.headers_mut().remove(header);
            }
            None => request = signer(&scheme).sign("/hook", r#"{"type":"t"}"#),
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
                let Ok(signed) = std::panic::catch_unwind(|| {
                    signer(&scheme).with_event_id(id).sign("/hook", BODY)
                }) else {
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
    for scheme in schemes() {
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

/// Hex in another case is the same signature, and so the same event.
#[tokio::test]
async fn a9_b10_a_respelled_signature_is_not_a_new_event() {
    for scheme in hmac_schemes() {
        let forged = crate::support::forge::Forgery::of(&scheme);
        if !forged.is_hex {
            continue;
        }
        let mut respelled = forged.with_text(forged.text().to_ascii_uppercase());
        if let Some(header) = id_header(&scheme) {
            respelled = with_id(&respelled, &header, "fresh");
        }
        let route = Route::new(verifier(&scheme));
        route.accepts(genuine(&scheme), scheme.name()).await;
        route.recognises(respelled, scheme.name()).await;
    }
}

#[tokio::test]
async fn c16_a_forged_request_does_not_occupy_the_id_of_a_coming_one() {
    for scheme in schemes() {
        let clock = Arc::new(tower_webhook::testing::ManualClock::new(NOW));
        let store = Arc::new(RecordingStore::new(clock));
        let route = Route::with(verifier(&scheme), |layer| {
            layer.with_dedup(DedupLayer::new(store.clone())).unwrap()
        });
        let theirs = tower_webhook::testing::Signer::new(scheme.clone(), "Zm9yZ2Vk").unwrap();
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
