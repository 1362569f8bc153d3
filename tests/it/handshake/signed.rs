//! Signed challenges.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use tower_webhook::handshake::{ConfirmFuture, ConfirmSubscription, HandshakeError, Subscription};
use tower_webhook::rate_limit::Quota;
use tower_webhook::signature::{
    Grammar, Handshake, Hash, Reply as Answer, ReplyValue, Scheme, Source,
};
use tower_webhook::testing::Signer;
use tower_webhook::{ConfigError, Secret, Verifier, provider};

use super::{Endpoint, Reply, request};
use crate::support::{Calls, NOW, OTHER_SECRET, SECRET, signer, verifier};

const SLACK: &str = r#"{"token":"t","challenge":"<b>3eZbrw1a</b>","type":"url_verification"}"#;
const ZOOM: &str = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}"#;

#[tokio::test]
async fn slacks_challenge_is_answered_each_time() {
    let slack = Endpoint::new(provider::slack()).await;
    let challenge = signer(&provider::slack()).sign("/hook", SLACK);
    for _ in 0..3 {
        let expected = Reply::text("<b>3eZbrw1a</b>");
        assert_eq!(slack.ask(&challenge).await, expected);
    }
    assert_eq!(slack.calls.get(), 0);

    let delivery = signer(&provider::slack()).sign("/hook", r#"{"type":"event_callback"}"#);
    assert_eq!(slack.ask(&delivery).await.body, "handled");
}

const TWITCH: &str = r#"{"challenge":"pogchamp-kappa","subscription":{"status":"webhook_callback_verification_pending"}}"#;

fn twitch(kind: &'static str, body: &'static str) -> Request<Bytes> {
    let signer = signer(&provider::twitch()).with_event_id(kind);
    let mut request = signer.sign("/hook", body);
    let kind = http::HeaderValue::from_static(kind);
    request
        .headers_mut()
        .insert("twitch-eventsub-message-type", kind);
    request
}

#[tokio::test]
async fn twitchs_challenge_is_answered_as_text() {
    let endpoint = Endpoint::new(provider::twitch()).await;
    let kind = "webhook_callback_verification";
    for _ in 0..2 {
        let answer = endpoint.ask(&twitch(kind, TWITCH)).await;
        assert_eq!(answer, Reply::text("pogchamp-kappa"));
    }
    assert_eq!(endpoint.calls.get(), 0);
    // The header is not signed: a notification stays one whatever it says.
    let notification = r#"{"subscription":{"type":"channel.follow"},"event":{}}"#;
    let answer = endpoint.ask(&twitch(kind, notification)).await;
    assert_eq!(answer.body, "handled");
    let answer = endpoint.ask(&twitch("notification", TWITCH)).await;
    assert_eq!(answer.body, "handled");

    let mut forged = twitch(kind, TWITCH);
    *forged.body_mut() = TWITCH.replace("kappa", "kappb").into();
    assert_eq!(endpoint.ask(&forged).await, Reply::refused(401));
}

#[tokio::test]
async fn f16_a_forged_challenge_is_never_answered() {
    for (scheme, body) in [(provider::slack(), SLACK), (provider::zoom(), ZOOM)] {
        let endpoint = Endpoint::new(scheme.clone()).await;
        let forger = Signer::new(scheme.clone(), OTHER_SECRET).unwrap().at(NOW);
        let stale = signer(&scheme).at(NOW.saturating_sub(std::time::Duration::from_secs(301)));
        let unsigned = request("POST", "/hook", &[], body);
        for request in [
            forger.sign("/hook", body),
            stale.sign("/hook", body),
            unsigned,
        ] {
            assert_eq!(endpoint.ask(&request).await, Reply::refused(401));
        }
        let mut get = signer(&scheme).sign("/hook", body);
        *get.method_mut() = Method::GET;
        assert_eq!(endpoint.ask(&get).await, Reply::not_allowed("POST"));
        assert_eq!(endpoint.calls.get(), 0);
    }
}

#[tokio::test]
async fn a_challenge_without_a_token_is_invalid_and_not_handled() {
    let slack = Endpoint::new(provider::slack()).await;
    for body in [
        r#"{"type":"url_verification"}"#,
        r#"{"type":"url_verification","challenge":""}"#,
        r#"{"type":"url_verification","challenge":{"x":1}}"#,
        r#"{"type":"url_verification","challenge":"a","challenge":"b"}"#,
    ] {
        let challenge = signer(&provider::slack()).sign("/hook", body);
        assert_eq!(slack.ask(&challenge).await, Reply::refused(400), "{body}");
    }
    // Which of the two it is depends on the parser: the handler's decides.
    let ambiguous = r#"{"type":"url_verification","type":"x","challenge":"a"}"#;
    let ambiguous = signer(&provider::slack()).sign("/hook", ambiguous);
    assert_eq!(slack.ask(&ambiguous).await.body, "handled");
}

/// Zoom checks the answer with the secret that it signs with.
#[tokio::test]
async fn a_mac_is_made_with_the_secret_that_matched() {
    let secrets = [Secret::new(OTHER_SECRET), Secret::new(SECRET)];
    let verifier = Verifier::new(provider::zoom(), secrets).unwrap();
    let zoom = Endpoint::with(verifier, |layer| layer).await;
    let mut answers = Vec::new();
    for secret in [SECRET, OTHER_SECRET] {
        let signer = Signer::new(provider::zoom(), secret).unwrap().at(NOW);
        let answer = zoom.ask(&signer.sign("/hook", ZOOM)).await;
        let alone = Endpoint::with(Verifier::new(provider::zoom(), secret).unwrap(), |it| it);
        let expected = alone.await.ask(&signer.sign("/hook", ZOOM)).await;
        assert_eq!(expected.status, 200);
        assert_eq!(answer, expected);
        answers.push(answer.body);
    }
    assert_ne!(answers[0], answers[1]);
}

#[tokio::test]
async fn zooms_answer_signs_no_delivery() {
    let zoom = Endpoint::new(provider::zoom()).await;
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"v0:1700000000:{}"}}"#;
    let challenge = signer(&provider::zoom()).sign("/hook", body);
    assert_eq!(zoom.ask(&challenge).await, Reply::refused(400));
}

/// A challenge is no delivery: it is neither counted against the tenant's
/// quota nor remembered.
#[tokio::test]
async fn challenges_cost_no_quota() {
    let slack = Endpoint::with(verifier(&provider::slack()), |layer| {
        layer.with_delivery_limit(Quota::per_minute(1).unwrap())
    })
    .await;
    let challenge = signer(&provider::slack()).sign("/hook", SLACK);
    for _ in 0..5 {
        assert_eq!(slack.ask(&challenge).await.status, 200);
    }
    let delivery = signer(&provider::slack()).sign("/hook", r#"{"type":"x"}"#);
    assert_eq!(slack.ask(&delivery).await.body, "handled");
}

#[tokio::test]
async fn without_handshakes_signed_challenges_reach_the_handler() {
    let slack = Endpoint::with(verifier(&provider::slack()), |layer| {
        layer.without_handshakes()
    })
    .await;
    let challenge = signer(&provider::slack()).sign("/hook", SLACK);
    assert_eq!(slack.ask(&challenge).await.body, "handled");
    let meta = Endpoint::with(verifier(&provider::meta()), |layer| {
        layer.with_verify_token("t").unwrap().without_handshakes()
    })
    .await;
    let target = "/hook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=t";
    assert_eq!(meta.get(target).await, Reply::not_allowed("POST"));
}

#[cfg(feature = "public-key")]
#[tokio::test]
async fn discords_pings_are_told_from_its_events() {
    let scheme = provider::discord();
    let signer = crate::support::keys::sender(&scheme).at(NOW);
    let verifier = Verifier::new(scheme, signer.verifying_secret()).unwrap();
    let discord = Endpoint::with(verifier, |layer| layer).await;
    let ping = signer.sign("/hook", r#"{"id":"1","type":1,"version":1}"#);
    assert_eq!(discord.ask(&ping).await, Reply::json(r#"{"type":1}"#));
    let ping = signer.sign("/hook", r#"{"version":1,"application_id":"1","type":0}"#);
    assert_eq!(discord.ask(&ping).await, Reply::empty(204, &[]));
    assert_eq!(discord.calls.get(), 0);
    for body in [
        r#"{"version":1,"type":1,"event":{"type":"ENTITLEMENT_CREATE"}}"#,
        r#"{"id":"2","type":2}"#,
        r#"{"id":"3","type":10}"#,
    ] {
        let delivery = signer.sign("/hook", body);
        assert_eq!(discord.ask(&delivery).await.body, "handled", "{body}");
    }
    let mut forged = signer.sign("/hook", r#"{"type":1}"#);
    *forged.body_mut() = Bytes::from_static(br#"{"type":0}"#);
    assert_eq!(discord.ask(&forged).await, Reply::refused(401));
}

#[tokio::test]
async fn event_grids_validation_knows_the_secret() {
    let body = r#"[{"id":"1","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"512d38b6","validationUrl":"https://x"}}]"#;
    for (scheme, secret) in [
        (provider::azure_event_grid_query(), "/hook?secret=k3y"),
        (provider::azure_event_grid_header(), "/hook"),
    ] {
        let grid = Endpoint::with(Verifier::new(scheme, "k3y").unwrap(), |layer| layer).await;
        let ask = |key: &str, body: &str| {
            let headers = [
                ("aeg-event-type", "SubscriptionValidation"),
                ("x-event-grid-key", key),
            ];
            request("POST", &secret.replace("k3y", key), &headers, body)
        };
        let expected = Reply::json(r#"{"validationResponse":"512d38b6"}"#);
        assert_eq!(grid.ask(&ask("k3y", body)).await, expected);
        assert_eq!(grid.ask(&ask("key", body)).await, Reply::refused(401));
        assert_eq!(grid.ask(&ask("k3y", "[]")).await, Reply::refused(400));
        assert_eq!(grid.calls.get(), 0);
    }
}

/// A subscription as Amazon SNS confirms it.
fn with_confirmation() -> Scheme {
    Scheme::hmac("acme", Hash::Sha256)
        .with_signature(Source::header("x-signature"), Grammar::Plain)
        .with_handshake(
            Handshake::signed(Method::POST)
                .when_equals(Source::pointer("/Type"), "SubscriptionConfirmation")
                .with_confirmation(),
        )
}

#[derive(Debug, Default)]
struct Confirms {
    calls: Calls,
    fails: bool,
    hangs: bool,
}

impl ConfirmSubscription for Confirms {
    fn confirm<'a>(&'a self, subscription: Subscription<'a>) -> ConfirmFuture<'a> {
        self.calls.add();
        assert!(subscription.delivery().body().starts_with(b"{\"Type\""));
        assert_eq!(subscription.tenant(), None);
        Box::pin(async {
            match (self.fails, self.hangs) {
                (true, _) => Err(HandshakeError::new("no route")),
                (_, true) => std::future::pending().await,
                _ => Ok(()),
            }
        })
    }
}

fn confirmation() -> Request<Bytes> {
    let body = r#"{"Type":"SubscriptionConfirmation","SubscribeURL":"https://x"}"#;
    signer(&with_confirmation()).sign("/hook", body)
}

#[tokio::test]
async fn a_subscription_is_confirmed_and_acknowledged() {
    let confirms = Arc::new(Confirms::default());
    let given = confirms.clone();
    let verifier = verifier(&with_confirmation());
    let endpoint = Endpoint::with(verifier, |layer| layer.with_confirmation(given)).await;
    assert_eq!(endpoint.ask(&confirmation()).await, Reply::empty(200, &[]));
    assert_eq!((confirms.calls.get(), endpoint.calls.get()), (1, 0));

    let mut forged = confirmation();
    forged
        .headers_mut()
        .insert("x-signature", "00".parse().unwrap());
    assert_eq!(endpoint.ask(&forged).await, Reply::refused(401));
    let other = signer(&with_confirmation()).sign("/hook", r#"{"Type":"Notification"}"#);
    assert_eq!(endpoint.ask(&other).await.body, "handled");
    assert_eq!(confirms.calls.get(), 1);
}

#[tokio::test]
async fn a_confirmation_that_fails_is_asked_for_again() {
    let confirms = Confirms {
        fails: true,
        ..Confirms::default()
    };
    let verifier = verifier(&with_confirmation());
    let endpoint = Endpoint::with(verifier, |layer| {
        layer.with_confirmation(Arc::new(confirms))
    })
    .await;
    let answer = endpoint.ask(&confirmation()).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, ""));
    assert_eq!(answer.headers, ["retry-after: 5"]);
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_hangs_is_given_up() {
    use crate::support::route::Route;

    let confirms = Confirms {
        hangs: true,
        ..Confirms::default()
    };
    let started = tokio::time::Instant::now();
    let route = Route::with(verifier(&with_confirmation()), |layer| {
        layer.with_confirmation(Arc::new(confirms))
    });
    let answer = route.send(confirmation()).await;
    assert_eq!(
        answer.kind(),
        tower_webhook::RejectionKind::HandshakeUnavailable
    );
    assert_eq!(started.elapsed().as_secs(), 5);
    assert_eq!((route.calls.get(), route.store.claims()), (0, 0));
}

#[tokio::test]
async fn without_a_confirmer_the_message_reaches_the_handler() {
    let endpoint = Endpoint::new(with_confirmation()).await;
    assert_eq!(endpoint.ask(&confirmation()).await.body, "handled");
}

/// Twitch names the kind of message in a header that is not signed.
#[tokio::test]
async fn a_header_that_is_not_signed_echoes_nothing_but_what_is() {
    let kind = "twitch-eventsub-message-type";
    let scheme = Scheme::hmac("twitch", Hash::Sha256)
        .with_signature(
            Source::header("twitch-eventsub-message-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_handshake(
            Handshake::signed(Method::POST)
                .when_equals(Source::header(kind), "webhook_callback_verification")
                .with_reply(Answer::text(ReplyValue::echo(Source::pointer(
                    "/challenge",
                )))),
        );
    let twitch = Endpoint::new(scheme.clone()).await;
    let with_kind = |body: &str, value: &str| {
        let mut request = signer(&scheme).sign("/hook", body.to_owned());
        request.headers_mut().insert(kind, value.parse().unwrap());
        request
    };
    let challenge = r#"{"challenge":"pogchamp-kappa-360noscope-vohiyo"}"#;
    let asked = with_kind(challenge, "webhook_callback_verification");
    let expected = Reply::text("pogchamp-kappa-360noscope-vohiyo");
    assert_eq!(twitch.ask(&asked).await, expected);
    let captured = with_kind(r#"{"event":{}}"#, "webhook_callback_verification");
    assert_eq!(twitch.ask(&captured).await, Reply::refused(400));
    let delivered = with_kind(r#"{"event":{}}"#, "notification");
    assert_eq!(twitch.ask(&delivered).await.body, "handled");
}

#[test]
fn handshakes_that_contradict_their_scheme_are_refused() {
    let header = || Source::header("x-signature");
    let scheme = || Scheme::hmac("acme", Hash::Sha256).with_signature(header(), Grammar::Plain);
    let type_is = |handshake: Handshake| handshake.when_equals(Source::pointer("/type"), "x");
    let refused = |scheme: Scheme| {
        let built = Verifier::new(scheme, "secret");
        matches!(built, Err(ConfigError::InvalidScheme { .. }))
    };
    let mac = || {
        let value = ReplyValue::mac(Source::query("x"), tower_webhook::signature::Encoding::Hex);
        Answer::text(value)
    };
    for handshake in [
        // A delivery like any other.
        Handshake::unsigned(Method::POST),
        Handshake::signed(Method::POST),
        // Refused by verification before it is asked.
        type_is(Handshake::signed(Method::GET)),
        // On nobody's word.
        type_is(Handshake::unsigned(Method::POST)).with_confirmation(),
        type_is(Handshake::signed(Method::POST)).with_capture(Source::pointer("/x")),
        type_is(Handshake::signed(Method::POST)).with_verify_token(Source::query("x")),
        type_is(Handshake::signed(Method::POST)).with_reply(Answer::AllowedOrigin),
        // Not readable.
        Handshake::unsigned(Method::GET).when(Source::field("x")),
        Handshake::unsigned(Method::GET).when(Source::lines("x")),
        Handshake::unsigned(Method::GET).when(Source::header("")),
        Handshake::unsigned(Method::GET)
            .with_reply(Answer::text(ReplyValue::echo(Source::lines("x")))),
        Handshake::unsigned(Method::GET).with_reply(Answer::header("a b")),
        Handshake::unsigned(Method::POST).when(Source::pointer("x")),
        Handshake::unsigned(Method::POST).when_alone(Source::pointer("/a/b")),
        Handshake::unsigned(Method::POST).when_alone(Source::header("x")),
        Handshake::unsigned(Method::PUT).when(Source::pointer("/x")),
        Handshake::unsigned(Method::GET).with_status(http::StatusCode::FOUND),
    ] {
        let shown = format!("{handshake:?}");
        assert!(refused(scheme().with_handshake(handshake)), "{shown}");
    }
    // A token is no key for MACs, and its digest no answer.
    let token = Scheme::token("acme").with_signature(header(), Grammar::Plain);
    let asks = Handshake::unsigned(Method::GET).with_reply(mac());
    assert!(refused(token.with_handshake(asks.clone())));
    assert!(!refused(scheme().with_handshake(asks)));
    // Whether it is signed is only known with the body.
    let inside = Scheme::hmac("acme", Hash::Sha256)
        .with_signature(Source::pointer("/signature"), Grammar::Plain)
        .with_content([tower_webhook::signature::Part::value("/x")]);
    let told = type_is(Handshake::unsigned(Method::POST));
    assert!(refused(inside.with_handshake(told)));
}
