//! The switch: what it logs, and that nobody else notices.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_webhook::explain::Explainer;
use tower_webhook::rejection::ProblemDetails;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::ManualClock;
use tower_webhook::{VerifiedBody, VerifyLayer, WebhookLayer};

use super::{families, sender, verifier};
use crate::support::{NOW, keys};

type Answer = (StatusCode, HeaderMap, Bytes);

async fn answer<S>(service: S, request: Request<Bytes>) -> Answer
where
    S: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let response = service.oneshot(request.map(Full::new)).await.unwrap();
    let (parts, body) = response.into_parts();
    (
        parts.status,
        parts.headers,
        body.collect().await.unwrap().to_bytes(),
    )
}

/// The answers of a layer, and of the whole guard.
async fn answers(scheme: &Scheme, request: &Request<Bytes>, explained: bool) -> [Answer; 2] {
    let echo = service_fn(async |request: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(Full::new(request.into_body().into_bytes())))
    });
    let clock = Arc::new(ManualClock::new(NOW));
    let mut layer = VerifyLayer::new(verifier(scheme)).with_clock(clock.clone());
    let mut guard = WebhookLayer::new(verifier(scheme))
        .with_clock(clock)
        .without_dedup();
    if explained {
        layer = layer.with_explanations(Explainer::new());
        guard = guard.with_explanations(Explainer::new());
    }
    let layer = layer.with_rejection_response(|rejection: &tower_webhook::Rejection| {
        let response: Response<String> = tower_webhook::rejection::RejectionResponse::respond(
            &ProblemDetails::default(),
            rejection,
        );
        response.map(|text| Full::new(Bytes::from(text)))
    });
    [
        answer(layer.layer(echo), request.clone()).await,
        answer(guard.layer(echo), request.clone()).await,
    ]
}

/// Genuine, and refused at every place where that happens.
fn requests(scheme: &Scheme) -> [Request<Bytes>; 7] {
    let genuine = sender(scheme).sign("/hook", r#"{"id":"evt_1"}"#);
    let mut unsigned = genuine.clone();
    unsigned.headers_mut().clear();
    let mut changed = genuine.clone();
    *changed.body_mut() = Bytes::from_static(br#"{"id": "evt_1"}"#);
    let mut get = genuine.clone();
    *get.method_mut() = http::Method::GET;
    let mut large = genuine.clone();
    *large.body_mut() = Bytes::from(vec![0; scheme.max_body() + 1]);
    let old = sender(scheme).at(NOW.saturating_sub(std::time::Duration::from_secs(3600)));
    let old = old.sign("/hook", "{}");
    let forged = keys::impostor(scheme).at(NOW).sign("/hook", "{}");
    [genuine, unsigned, changed, get, large, old, forged]
}

#[tokio::test]
async fn answers_are_the_same_with_and_without() {
    for scheme in families() {
        for request in requests(&scheme) {
            let with = answers(&scheme, &request, true).await;
            let without = answers(&scheme, &request, false).await;
            assert_eq!(with, without, "{}", scheme.name());
        }
    }
}

#[cfg(feature = "tracing")]
mod logged {
    use tower_webhook::delivery::Tenant;
    use tower_webhook::keys::{
        AsyncVerifier, LiveVerifier, SecretFuture, SecretRequest, SecretSource, TenantSecrets,
    };

    use super::*;
    use crate::support::log::Log;

    /// Knows the tenant at `/hook`.
    #[derive(Debug)]
    struct Tenants(Scheme);

    impl SecretSource for Tenants {
        fn secrets<'a>(&'a self, request: SecretRequest<'a>) -> SecretFuture<'a> {
            let secret = keys::sender(&self.0).verifying_secret();
            let found = request.path_segment(0) == Some("hook");
            let tenant = Tenant::new("hook");
            let secrets = found.then(|| TenantSecrets::new(tenant, secret));
            Box::pin(async move { Ok(secrets) })
        }
    }

    #[tokio::test]
    async fn secrets_that_are_looked_up_explain_as_well() {
        let log = Log::start();
        let scheme = tower_webhook::provider::github();
        let tenants =
            AsyncVerifier::with_secrets(scheme.clone(), Arc::new(Tenants(scheme.clone())));
        let live = LiveVerifier::new(verifier(&scheme));
        let [genuine, _, changed, ..] = requests(&scheme);
        let mut nobodys = changed.clone();
        *nobodys.uri_mut() = "/nobody".parse().unwrap();
        for verifier in [tenants.unwrap(), live.into()] {
            let looks_up = format!("{verifier:?}").contains("Tenants");
            let service = VerifyLayer::new(verifier)
                .with_explanations(Explainer::new())
                .layer(service_fn(async |_: Request<VerifiedBody>| {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
                }));
            let (status, ..) = answer(service.clone(), genuine.clone()).await;
            assert_eq!(status, StatusCode::OK);
            assert!(!log.take().contains("explanation="));
            let (status, ..) = answer(service.clone(), changed.clone()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            assert!(log.take().contains("cause=\"body_reserialised\""));
            answer(service.clone(), nobodys.clone()).await;
            let cause = if looks_up {
                "refused"
            } else {
                "body_reserialised"
            };
            assert!(log.take().contains(&format!("cause=\"{cause}\"")));
        }
    }

    #[tokio::test]
    async fn refusals_are_explained_in_the_log_and_only_then() {
        let log = Log::start();
        for scheme in families() {
            let [genuine, unsigned, changed, get, large, old, forged] = requests(&scheme);
            for (request, cause) in [
                (genuine, None),
                (large, None),
                (unsigned, Some("missing_signature")),
                (changed, Some("body_reserialised")),
                (get, Some("method_not_allowed")),
                (forged, Some("wrong_key_or_content")),
                (old, scheme.timestamp().map(|_| "timestamp_too_old")),
            ] {
                answers(&scheme, &request, false).await;
                let silent = log.take();
                assert!(!silent.contains("explanation="), "{silent}");
                answers(&scheme, &request, true).await;
                let logged = log.take();
                let lines: Vec<_> = logged
                    .lines()
                    .filter(|line| line.contains("explanation="))
                    .collect();
                let Some(cause) = cause else {
                    assert!(lines.is_empty(), "{logged}");
                    continue;
                };
                assert_eq!(lines.len(), 2, "{}: {logged}", scheme.name());
                for line in lines {
                    assert!(line.starts_with("WARN tower_webhook"), "{line}");
                    assert!(line.contains(&format!("cause=\"{cause}\"")), "{line}");
                }
            }
        }
    }
}
