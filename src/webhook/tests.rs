use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::dedup::DedupLayer;
use crate::ip_allowlist::IpAllowlist;
use crate::rate_limit::Quota;
use crate::{ConfigError, Rejection, VerifiedBody, Verifier, provider};

fn layer() -> WebhookLayer {
    WebhookLayer::new(Verifier::new(provider::stripe(), "whsec_x").unwrap())
}

async fn refusal(layer: WebhookLayer) -> Rejection {
    let service = layer.layer(service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let request = Request::post("/").body(Full::<Bytes>::default()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    response.extensions().get::<Rejection>().unwrap().clone()
}

/// With many routes in one log, the operator must see which one it was.
#[tokio::test]
async fn every_refusal_names_the_provider() {
    let list = IpAllowlist::new(["192.0.2.1"]).unwrap();
    for layer in [
        layer(),
        layer().with_required_https(),
        layer().with_allowlist(list),
        layer().with_caller_limit(Quota::per_minute(1).unwrap()),
    ] {
        let refused = refusal(layer).await;
        assert_eq!(refused.provider(), Some("stripe"), "{refused}");
    }
}

#[tokio::test]
async fn the_outermost_check_refuses_first() {
    let list = IpAllowlist::new(["192.0.2.1"]).unwrap();
    let all = layer().with_allowlist(list).with_required_https();
    assert_eq!(refusal(all).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(refusal(layer()).await.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn c25_forgetting_what_is_still_fresh_is_refused() {
    let forgetful = DedupLayer::in_memory()
        .with_ttl(Duration::from_secs(600))
        .unwrap();
    let needed_seconds = 2 * 300 + 30;
    assert_eq!(
        layer().with_dedup(forgetful).unwrap_err(),
        ConfigError::DedupTtlTooShort {
            ttl_seconds: 600,
            needed_seconds,
        }
    );
    let enough = DedupLayer::in_memory()
        .with_ttl(Duration::from_secs(needed_seconds))
        .unwrap();
    assert!(layer().with_dedup(enough).is_ok());
}

#[test]
fn the_layer_can_be_named_and_shared() {
    fn assert<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    assert(&layer());
    assert(&layer().layer(()));
}
