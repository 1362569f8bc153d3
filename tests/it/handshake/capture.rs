//! Secrets that the provider sends.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use tower_webhook::delivery::Tenant;
use tower_webhook::handshake::{
    CaptureFuture, Captured, HandshakeError, OfferedSecret, SecretCapture,
};
use tower_webhook::keys::LiveVerifier;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::Signer;
use tower_webhook::{RejectionKind, Secret, Verifier, provider};

use super::{Endpoint, Reply, request};
use crate::support::route::Route;
use crate::support::{NOW, verifier};

const OFFERED: &str = "b537207f20cbfa02357cf448134da559";

/// Waits for one secret, and puts it into a verifier.
#[derive(Debug)]
struct Pending {
    scheme: Scheme,
    live: LiveVerifier,
    state: Mutex<State>,
}

#[derive(Debug, PartialEq)]
enum State {
    Pending,
    Created,
    Down,
    Hangs,
}

impl Pending {
    /// Nobody knows the secret that it starts with.
    fn new(scheme: Scheme, state: State) -> Arc<Self> {
        let nobody = Verifier::new(scheme.clone(), "nobody-knows").unwrap();
        Arc::new(Self {
            scheme,
            live: LiveVerifier::new(nobody),
            state: Mutex::new(state),
        })
    }

    async fn endpoint(self: &Arc<Self>) -> Endpoint {
        let capture = self.clone();
        Endpoint::with(self.live.clone(), |layer| {
            layer.with_secret_capture(capture)
        })
        .await
    }
}

impl SecretCapture for Pending {
    fn capture<'a>(&'a self, offer: OfferedSecret<'a>) -> CaptureFuture<'a> {
        Box::pin(async move {
            assert_eq!(offer.provider(), self.scheme.name());
            assert_eq!(offer.path(), "/hook");
            assert!(!format!("{offer:?}").contains("b537"));
            if *self.state.lock().unwrap() == State::Hangs {
                std::future::pending::<()>().await;
            }
            let mut state = self.state.lock().unwrap();
            match *state {
                State::Pending => {
                    *state = State::Created;
                    let captured = Verifier::new(self.scheme.clone(), offer.secret().clone());
                    self.live.replace(captured.unwrap()).unwrap();
                    Ok(Captured::Accepted)
                }
                State::Created => Ok(Captured::Refused),
                State::Down | State::Hangs => Err(HandshakeError::new("the database is down")),
            }
        })
    }
}

fn asana(secret: &str) -> Request<Bytes> {
    request("POST", "/hook", &[("x-hook-secret", secret)], "")
}

fn notion(secret: &str) -> Request<Bytes> {
    let json = ("content-type", "application/json");
    let body = format!(r#"{{"verification_token":"{secret}"}}"#);
    request("POST", "/hook", &[json], &body)
}

#[tokio::test]
async fn asanas_secret_is_taken_once_and_verifies_what_follows() {
    let pending = Pending::new(provider::asana(), State::Pending);
    let endpoint = pending.endpoint().await;
    let header = format!("x-hook-secret: {OFFERED}");
    let expected = Reply::empty(200, &[&header]);
    assert_eq!(endpoint.ask(&asana(OFFERED)).await, expected);

    let signer = Signer::new(provider::asana(), OFFERED).unwrap().at(NOW);
    let delivery = signer.sign("/hook", r#"{"events":[]}"#);
    assert_eq!(endpoint.ask(&delivery).await.body, "handled");

    // Somebody else's, and the same again: nobody waits for one any more.
    for secret in ["evil", OFFERED] {
        assert_eq!(endpoint.ask(&asana(secret)).await, Reply::refused(401));
    }
    let evil = Signer::new(provider::asana(), "evil").unwrap().at(NOW);
    let forged = evil.sign("/hook", r#"{"events":[1]}"#);
    assert_eq!(endpoint.ask(&forged).await, Reply::refused(401));
    assert_eq!(endpoint.calls.get(), 1);
}

#[tokio::test]
async fn notions_token_is_taken_once_and_verifies_what_follows() {
    let pending = Pending::new(provider::notion(), State::Pending);
    let endpoint = pending.endpoint().await;
    assert_eq!(endpoint.ask(&notion(OFFERED)).await, Reply::empty(200, &[]));
    let signer = Signer::new(provider::notion(), OFFERED).unwrap().at(NOW);
    let delivery = signer.sign("/hook", r#"{"id":"1","type":"page.created"}"#);
    assert_eq!(endpoint.ask(&delivery).await.body, "handled");
    assert_eq!(endpoint.ask(&notion("evil")).await, Reply::refused(401));
}

/// A delivery that has a token in it is none of this.
#[tokio::test]
async fn nothing_is_taken_from_what_is_or_could_be_a_delivery() {
    let pending = Pending::new(provider::notion(), State::Pending);
    let endpoint = pending.endpoint().await;
    for body in [
        r#"{"verification_token":"evil","type":"page.created"}"#,
        r#"{"type":"page.created","verification_token":"evil"}"#,
        r#"{"verification_token":"evil","verification_token":"evil"}"#,
        r#"{"data":{"verification_token":"evil"}}"#,
        r#"[{"verification_token":"evil"}]"#,
        r#"{"verification_token":null}"#,
        r#"{"verification_token":{}}"#,
        r#"{"verification_token":"evil"} {}"#,
        r#"{}"#,
        "",
    ] {
        let refused = endpoint.ask(&request("POST", "/hook", &[], body)).await;
        assert_eq!(refused, Reply::refused(401), "{body}");
    }
    for header in ["x-notion-signature", "X-Notion-Signature"] {
        let mut signed = notion("evil");
        let name: http::HeaderName = header.parse().unwrap();
        signed
            .headers_mut()
            .insert(name, "sha256=00".parse().unwrap());
        assert_eq!(endpoint.ask(&signed).await, Reply::refused(401));
    }
    assert_eq!(*pending.state.lock().unwrap(), State::Pending);

    let empty = notion("");
    assert_eq!(endpoint.ask(&empty).await, Reply::refused(400));
    let long = notion(&"x".repeat(4097));
    assert_eq!(endpoint.ask(&long).await, Reply::refused(400));
    assert_eq!(*pending.state.lock().unwrap(), State::Pending);

    let pending = Pending::new(provider::asana(), State::Pending);
    let endpoint = pending.endpoint().await;
    let mut signed = asana("evil");
    let headers = signed.headers_mut();
    headers.insert("x-hook-signature", "00".parse().unwrap());
    assert_eq!(endpoint.ask(&signed).await, Reply::refused(401));
    let mut twice = asana("evil");
    let headers = twice.headers_mut();
    headers.append("x-hook-secret", "evil".parse().unwrap());
    assert_eq!(endpoint.ask(&twice).await, Reply::refused(400));
    assert_eq!(*pending.state.lock().unwrap(), State::Pending);
}

#[tokio::test]
async fn nothing_is_answered_unless_somebody_takes_secrets() {
    for scheme in [provider::asana(), provider::notion()] {
        let endpoint = Endpoint::new(scheme).await;
        for offer in [asana(OFFERED), notion(OFFERED)] {
            assert_eq!(endpoint.ask(&offer).await, Reply::refused(401));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_secrets_and_fails_is_asked_again() {
    for state in [State::Down, State::Hangs] {
        let pending = Pending::new(provider::asana(), state);
        let started = tokio::time::Instant::now();
        let route = Route::with(verifier(&provider::asana()), |layer| {
            layer.with_secret_capture(pending.clone())
        });
        let answer = route.send(asana(OFFERED)).await;
        assert_eq!(answer.kind(), RejectionKind::HandshakeUnavailable);
        assert_eq!((answer.status.as_u16(), answer.body.len()), (503, 0));
        assert!(answer.headers.get("x-hook-secret").is_none());
        assert!(started.elapsed().as_secs() <= 5);
    }
}

/// The tenant that layers outside named.
#[tokio::test]
async fn the_tenant_is_told() {
    #[derive(Debug)]
    struct ForAcme;
    impl SecretCapture for ForAcme {
        fn capture<'a>(&'a self, offer: OfferedSecret<'a>) -> CaptureFuture<'a> {
            let acme = offer.tenant().map(Tenant::as_str) == Some("acme");
            Box::pin(async move {
                Ok(match acme {
                    true => Captured::Accepted,
                    false => Captured::Refused,
                })
            })
        }
    }
    let route = Route::with(verifier(&provider::asana()), |layer| {
        layer.with_secret_capture(Arc::new(ForAcme))
    });
    for (tenant, status) in [("acme", 200), ("evil", 401)] {
        let mut offer = asana(OFFERED);
        offer.extensions_mut().insert(Tenant::new(tenant));
        assert_eq!(route.send(offer).await.status, status, "{tenant}");
    }
}

#[test]
fn an_offer_shows_no_secret() {
    let shown = format!("{:?}", Secret::new(OFFERED));
    assert!(!shown.contains("b537"));
}
