//! Sources of secrets that fail, and how often they are asked.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use tower_webhook::delivery::Tenant;
use tower_webhook::keys::{
    AsyncVerifier, KeyError, SecretFuture, SecretRequest, SecretSource, TenantSecrets,
};
use tower_webhook::testing::Signer;
use tower_webhook::{ConfigError, RejectionKind, Secret, provider};

use crate::support::route::Route;
use crate::support::{BODY, Calls, NOW, SECRET};

/// What the source does when it is asked.
#[derive(Clone, Copy, Debug)]
enum Does {
    Fail,
    Hang,
    Give(&'static str),
    GiveNothing,
    GiveExpired,
}

#[derive(Debug)]
struct Source(Does, Calls);

impl SecretSource for Source {
    fn secrets<'a>(&'a self, _: SecretRequest<'a>) -> SecretFuture<'a> {
        self.1.add();
        let does = self.0;
        Box::pin(async move {
            let tenant = Tenant::new("one");
            match does {
                Does::Fail => Err(KeyError::new("the database is away")),
                Does::Hang => pending().await,
                Does::Give(secret) => Ok(Some(TenantSecrets::new(tenant, secret))),
                Does::GiveNothing => Ok(Some(TenantSecrets::new(tenant, Vec::<Secret>::new()))),
                Does::GiveExpired => {
                    let secret = Secret::new(SECRET).with_expiry(NOW);
                    Ok(Some(TenantSecrets::new(tenant, secret)))
                }
            }
        })
    }
}

fn route(does: Does) -> (Route, Calls) {
    let calls = Calls::default();
    let source = Arc::new(Source(does, calls.clone()));
    let verifier = AsyncVerifier::with_secrets(provider::stripe(), source).unwrap();
    (Route::new(verifier), calls)
}

fn genuine() -> Request<Bytes> {
    Signer::new(provider::stripe(), SECRET)
        .unwrap()
        .at(NOW)
        .sign("/hook", BODY)
}

/// Neither 401, which is for good with some providers, nor a way through.
#[tokio::test(start_paused = true)]
async fn c19_a_source_that_fails_makes_the_sender_come_again() {
    for does in [
        Does::Fail,
        Does::Hang,
        Does::Give(""),
        Does::Give(" trailing "),
        Does::GiveNothing,
    ] {
        #[cfg(feature = "tracing")]
        let log = crate::support::log::Log::start();
        let (route, _) = route(does);
        let answer = route.send(genuine()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{does:?}");
        assert_eq!(answer.kind(), RejectionKind::KeyUnavailable, "{does:?}");
        assert_eq!(answer.headers["retry-after"], "5", "{does:?}");
        assert!(answer.body.is_empty(), "{does:?}");
        assert_eq!(route.calls.get() + route.store.claims(), 0, "{does:?}");
        #[cfg(feature = "tracing")]
        {
            let log = log.take();
            assert!(
                log.contains("a key could not be looked up"),
                "{does:?}: {log}"
            );
            assert!(!log.contains("trailing"), "{log}");
        }
    }
}

/// The same over a preset that answers failed verifications with another
/// status.
#[tokio::test]
async fn c19_whatever_status_the_scheme_refuses_with() {
    let scheme = provider::stripe().with_reject_status(StatusCode::OK);
    let source = Arc::new(Source(Does::Fail, Calls::default()));
    let route = Route::new(AsyncVerifier::with_secrets(scheme, source).unwrap());
    let answer = route.send(genuine()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_look_up_is_configurable() {
    let source = Arc::new(Source(Does::Hang, Calls::default()));
    let verifier = AsyncVerifier::with_secrets(provider::stripe(), source).unwrap();
    let zero = verifier.clone().with_timeout(Duration::ZERO);
    assert!(matches!(zero, Err(ConfigError::Zero { .. })));
    let verifier = verifier.with_timeout(Duration::from_secs(2)).unwrap();
    let route = Route::new(verifier);
    let started = tokio::time::Instant::now();
    let answer = route.send(genuine()).await;
    assert_eq!(answer.kind(), RejectionKind::KeyUnavailable);
    assert_eq!(answer.headers["retry-after"], "2");
    assert_eq!(started.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn a4_a_tenant_whose_secrets_have_expired_is_refused() {
    let (route, _) = route(Does::GiveExpired);
    let kind = route.refuses(genuine(), "expired").await;
    assert_eq!(kind, RejectionKind::NoActiveSecret);
}

/// A request that cheaper checks refuse costs the source nothing.
#[tokio::test]
async fn what_is_refused_early_is_not_looked_up() {
    let (route, calls) = route(Does::Give(SECRET));
    let signer = Signer::new(provider::stripe(), SECRET).unwrap();
    let mut unsigned = genuine();
    unsigned.headers_mut().clear();
    let mut malformed = genuine();
    malformed
        .headers_mut()
        .insert("stripe-signature", "t=1700000000,v1=zz".parse().unwrap());
    let mut get = genuine();
    *get.method_mut() = http::Method::GET;
    let stale = signer
        .clone()
        .at(NOW.saturating_sub(Duration::from_secs(301)));
    let large = vec![b' '; 1024 * 1024 + 1];
    for (request, what) in [
        (unsigned, "unsigned"),
        (malformed, "malformed"),
        (get, "method"),
        (stale.sign("/hook", BODY), "stale"),
        (signer.at(NOW).sign("/hook", large), "too large"),
    ] {
        let answer = route.send(request).await;
        assert!(answer.rejection.is_some(), "{what}");
        assert_eq!(calls.get(), 0, "{what}");
    }
    route.accepts(genuine(), "genuine").await;
    assert_eq!(calls.get(), 1);
    let mut forged = genuine();
    *forged.body_mut() = Bytes::from_static(b"{}");
    route.refuses(forged, "forged").await;
    assert_eq!(calls.get(), 2);
}

/// Without the layer: the headers are judged before the source is asked.
#[tokio::test]
async fn verify_by_hand_asks_late_too() {
    let calls = Calls::default();
    let source = Arc::new(Source(Does::Give(SECRET), calls.clone()));
    let verifier = AsyncVerifier::with_secrets(provider::stripe(), source).unwrap();
    let (mut parts, body) = genuine().into_parts();
    assert!(verifier.verify(&parts, body.clone(), NOW).await.is_ok());
    assert_eq!(calls.get(), 1);
    parts.headers.clear();
    let refused = verifier.verify(&parts, body, NOW).await.unwrap_err();
    assert_eq!(refused.kind(), RejectionKind::MissingSignature);
    assert_eq!(calls.get(), 1);
}
