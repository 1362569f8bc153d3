//! What a challenge may cost, and who pays for wrong ones.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use tower_webhook::client_ip::PeerAddr;
use tower_webhook::handshake::{Answered, CaptureFuture, Captured, OfferedSecret, SecretCapture};
use tower_webhook::observe::{ObserveLayer, ObservedBody};
use tower_webhook::rate_limit::Quota;
use tower_webhook::signature::{Grammar, Handshake, Reply as Answer, ReplyValue, Scheme, Source};
use tower_webhook::{RejectionKind, WebhookLayer, provider};

use super::request;
use crate::support::bodies::{Announced, Dripping, Scripted};
use crate::support::route::Route;
use crate::support::{Calls, genuine, signer, verifier};

#[derive(Debug, Default)]
struct Takes(Calls);

impl SecretCapture for Takes {
    fn capture<'a>(&'a self, _offer: OfferedSecret<'a>) -> CaptureFuture<'a> {
        self.0.add();
        Box::pin(async { Ok(Captured::Accepted) })
    }
}

fn notion() -> Route {
    notion_with(|layer| layer)
}

fn notion_with(configure: impl FnOnce(WebhookLayer) -> WebhookLayer) -> Route {
    Route::with(verifier(&provider::notion()), |layer| {
        configure(layer.with_secret_capture(Arc::new(Takes::default())))
    })
}

fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post("/hook").body(body.into()).unwrap()
}

const CHALLENGE: &str = r#"{"verification_token":"secret_x"}"#;

#[tokio::test]
async fn a_body_over_the_cap_is_no_challenge() {
    let route = notion();
    let padded = |spaces: usize| format!("{CHALLENGE}{}", " ".repeat(spaces - CHALLENGE.len()));
    let largest = route.send(post(padded(16 * 1024))).await;
    assert_eq!(largest.status, StatusCode::OK);
    let kind = route
        .refuses(post(padded(16 * 1024 + 1)), "announced")
        .await;
    assert_eq!(kind, RejectionKind::MissingSignature);
    let chunks = [&padded(16 * 1024)[..], " "]
        .map(|chunk| crate::support::bodies::Step::Data(Bytes::from(chunk.to_owned())));
    let chunked = post(Body::new(Scripted::new(chunks)));
    let kind = route.refuses(chunked, "chunked").await;
    assert_eq!(kind, RejectionKind::MissingSignature);
}

/// F15: nothing is read that cannot be a challenge.
#[tokio::test]
async fn f15_no_body_is_asked_for_in_vain() {
    let announced = |length| {
        let asked = Calls::default();
        let body = Announced {
            length,
            asked: asked.clone(),
        };
        (post(Body::new(body)), asked)
    };
    let (request, asked) = announced(16 * 1024 + 1);
    notion().refuses(request, "too large").await;
    assert_eq!(asked.get(), 0);

    // Nobody takes secrets; the header that Asana's has is not there.
    let without = Route::new(verifier(&provider::notion()));
    let asana = Route::with(verifier(&provider::asana()), |layer| {
        layer.with_secret_capture(Arc::new(Takes::default()))
    });
    for route in [without, asana] {
        let (request, asked) = announced(10);
        route.refuses(request, "not signed").await;
        assert_eq!(asked.get(), 0);
    }
    let (mut request, asked) = announced(10);
    let headers = request.headers_mut();
    headers.insert("x-notion-signature", "sha256=".parse().unwrap());
    notion().refuses(request, "badly signed").await;
    assert_eq!(asked.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn f3_a_challenge_that_drips_is_cut_off() {
    let second = Duration::from_secs(1);
    let started = tokio::time::Instant::now();
    let slow = post(Body::new(Dripping::new(CHALLENGE, second)));
    let answer = notion().send(slow).await;
    assert_eq!(answer.kind(), RejectionKind::BodyTimeout);
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(started.elapsed().as_secs(), 10);

    let route = notion_with(|layer| layer.with_body_timeout(60 * second).unwrap());
    let slow = post(Body::new(Dripping::new(CHALLENGE, second)));
    assert_eq!(route.send(slow).await.status, StatusCode::OK);
}

/// Bodies without a signature take no places of those that have one.
#[tokio::test(start_paused = true)]
async fn f5_stalled_challenges_keep_out_nobody_else() {
    let route = notion_with(|layer| layer.with_max_slow_bodies(1).unwrap());
    let stalled = || route.send(post(Body::new(Scripted::stalled("{"))));
    let mut held: Vec<_> = (0..64).map(|_| Box::pin(stalled())).collect();
    for held in &mut held {
        assert!(futures_poll(held).is_none());
        // A body is waited for from the second time on.
        assert!(futures_poll(held).is_none());
    }
    let turned_away = stalled().await;
    assert_eq!(turned_away.kind(), RejectionKind::TooManySlowBodies);
    assert_eq!(turned_away.status, StatusCode::SERVICE_UNAVAILABLE);

    let delivery = signer(&provider::notion()).sign("/hook", r#"{"id":"1"}"#);
    let slow = Dripping::new(delivery.body().clone(), Duration::from_millis(1));
    let answer = route.send(delivery.map(|_| Body::new(slow))).await;
    assert_eq!(answer.status, StatusCode::OK);
    for held in held {
        assert_eq!(held.await.kind(), RejectionKind::BodyTimeout);
    }
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(done) => Some(done),
        std::task::Poll::Pending => None,
    }
}

/// E: guesses of the token are failures, answers are not.
#[tokio::test]
async fn guesses_of_the_token_use_up_the_callers_quota() {
    let route = Route::with(verifier(&provider::meta()), |layer| {
        layer
            .with_verify_token("t0ken")
            .unwrap()
            .with_caller_limit(Quota::per_minute(3).unwrap())
    });
    let ask = |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}");
        let mut request = request("GET", &format!("/hook?{query}"), &[], "");
        let peer = PeerAddr::new(([192, 0, 2, 1], 1).into());
        request.extensions_mut().insert(peer);
        request
    };
    for _ in 0..10 {
        assert_eq!(route.send(ask("t0ken")).await.status, StatusCode::OK);
    }
    for _ in 0..3 {
        let refused = route.send(ask("guess")).await;
        assert_eq!(refused.kind(), RejectionKind::ChallengeRefused);
        assert_eq!(refused.rejection.unwrap().provider(), Some("meta"));
    }
    let limited = route.send(ask("t0ken")).await;
    assert_eq!(limited.kind(), RejectionKind::RateLimited);
}

/// The operator sees what it was about, and nothing that the caller chose.
#[tokio::test]
async fn a_refusal_names_the_place_and_not_the_value() {
    let dropbox = Route::new(verifier(&provider::dropbox()));
    let answer = dropbox
        .send(request("GET", "/hook?challenge=%FFevil", &[], ""))
        .await;
    let rejection = answer.rejection.unwrap();
    assert_eq!(rejection.kind(), RejectionKind::InvalidChallenge);
    assert_eq!(rejection.provider(), Some("dropbox"));
    assert_eq!(rejection.detail(), Some("challenge"));

    let slack = Route::new(verifier(&provider::slack()));
    let body = r#"{"type":"url_verification","challenge":["evil"]}"#;
    let answer = slack
        .send(signer(&provider::slack()).sign("/hook", body))
        .await;
    let rejection = answer.rejection.unwrap();
    assert_eq!(rejection.kind(), RejectionKind::InvalidChallenge);
    assert_eq!(rejection.provider(), Some("slack"));
    assert_eq!(rejection.detail(), Some("/challenge"));
    assert_eq!(slack.store.claims(), 0);
}

/// A token that is there makes it a delivery, and only that.
#[tokio::test]
async fn a_token_in_the_query_makes_a_delivery() {
    let echo = Answer::text(ReplyValue::echo(Source::query("challenge")));
    let asks = Handshake::unsigned(Method::POST).when(Source::query("challenge"));
    let scheme = Scheme::token("acme")
        .with_signature(Source::query("token"), Grammar::Plain)
        .with_handshake(asks.with_reply(echo));
    let route = Route::new(verifier(&scheme));
    let answer = route
        .send(request("POST", "/hook?challenge=abc", &[], ""))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (200, &b"abc"[..])
    );
    let guessed = request("POST", "/hook?challenge=abc&token=guessed", &[], "");
    let kind = route.refuses(guessed, "guessed").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
    assert_eq!(route.calls.get(), 0);
}

/// A body as large as deliveries may be is not searched for challenges.
#[tokio::test]
async fn a_large_delivery_is_no_challenge() {
    let scheme = provider::slack();
    let body = format!(
        r#"{{"type":"url_verification","challenge":"{}"}}"#,
        "x".repeat(16 * 1024)
    );
    let route = Route::new(verifier(&scheme));
    route
        .accepts(signer(&scheme).sign("/hook", body), "large")
        .await;
}

#[tokio::test]
async fn an_observed_guard_answers_nobody_and_takes_nothing() {
    use http::Response;
    use std::convert::Infallible;
    use tower::{Layer, ServiceExt, service_fn};
    use tower_webhook::observe::Observation;

    let takes = Arc::new(Takes::default());
    let guard = WebhookLayer::new(verifier(&provider::asana())).with_secret_capture(takes.clone());
    let service =
        ObserveLayer::new(guard).layer(service_fn(async |_: Request<ObservedBody<Body>>| {
            Ok::<_, Infallible>(Response::new("handled"))
        }));
    let offer = request("POST", "/hook", &[("x-hook-secret", "s")], "").map(Body::from);
    let answer = service.clone().oneshot(offer).await.unwrap();
    assert_eq!(*answer.body(), "handled");
    let observation = answer.extensions().get::<Observation>().unwrap();
    assert_eq!(observation.as_str(), "challenge");
    assert_eq!(takes.0.get(), 0);
    assert!(answer.extensions().get::<Answered>().is_none());
}

/// Layers outside can tell an answer from a delivery's.
#[tokio::test]
async fn an_answer_is_marked() {
    use axum::Router;
    use tower::{Layer, ServiceExt};

    let layer = WebhookLayer::new(verifier(&provider::dropbox()));
    let app = layer.layer(Router::new().fallback(async || "handled"));
    let ask = request("GET", "/hook?challenge=1", &[], "").map(Body::from);
    let answer = app.clone().oneshot(ask).await.unwrap();
    assert_eq!(answer.extensions().get::<Answered>().map(|_| ()), Some(()));
    let delivery = genuine(&provider::dropbox()).map(Body::from);
    let answer = app.oneshot(delivery).await.unwrap();
    assert!(answer.extensions().get::<Answered>().is_none());
}
