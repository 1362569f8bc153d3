//! B1, B2, B8–B10: the same delivery again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use tower_webhook::dedup::DedupLayer;
use tower_webhook::provider;
use tower_webhook::signature::{Scheme, Source};
use tower_webhook::{Clock, RejectionKind};

use crate::support::route::Route;
use crate::support::{BODY, NOW, genuine, hmac_schemes, schemes, signer, verifier};

/// The header that an event's id is read from.
pub fn id_header(scheme: &Scheme) -> Option<HeaderName> {
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
    for scheme in schemes().filter(Scheme::has_content_identity) {
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
        provider::mux(),
        provider::workos(),
        provider::openai(),
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

/// Hex in another case is the same signature, and so the same event.
#[tokio::test]
async fn a9_b10_a_respelled_signature_is_not_a_new_event() {
    for scheme in hmac_schemes().filter(Scheme::has_content_identity) {
        let forged = crate::support::forge::Forgery::of(&scheme);
        if !forged.is_hex {
            continue;
        }
        let mut respelled = forged.with_text(forged.text().to_ascii_uppercase());
        if let Some(header) = id_header(&scheme)
            && !scheme.signs_event_id()
        {
            respelled = with_id(&respelled, &header, "fresh");
        }
        let route = Route::new(verifier(&scheme));
        route.accepts(genuine(&scheme), scheme.name()).await;
        route.recognises(respelled, scheme.name()).await;
    }
}
