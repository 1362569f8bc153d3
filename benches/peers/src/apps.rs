//! Routes with everybody's guard, all of the same shape.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::routing::{MethodRouter, post};
use axum_github_webhook_extract::{GithubEvent, GithubToken};
use axum_standardwebhooks::{SharedWebhook, StandardWebhook};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use http_body_util::Full;
use serde::de::IgnoredAny;
use sha2::Sha256;
use tower::ServiceBuilder;
use tower_github_webhook::ValidateGitHubWebhookLayer;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_webhook::ip_allowlist::IpAllowlist;
use tower_webhook::rate_limit::Quota;
use tower_webhook::{Verifier, VerifyLayer, WebhookLayer};
use webhook_verify::Provider as Known;

use crate::deliveries::{Provider, SECRET};
use crate::versions::{version, versions};

pub const BARE: &str = "no check";
pub const BY_HAND: &str = "check by hand: `HeaderMap`, `Bytes`";
pub const BY_HAND_LEAN: &str = "check by hand: `Request`, key set up before";
pub const VERIFY: &str = "**`VerifyLayer`**";
pub const WEBHOOK: &str = "**`WebhookLayer`** (deduplicates)";
pub const WHOLE: &str = "**`WebhookLayer`, everything on**";
pub const WEBHOOK_VERIFY: &str = "webhook-verify, `VerifyLayer`";
pub const TOWER_GITHUB: &str = "tower-github-webhook";
pub const GITHUB_EXTRACT: &str = "axum-github-webhook-extract";
pub const STANDARD_EXTRACT: &str = "axum-standardwebhooks";
pub const GOVERNED_GITHUB: &str = "tower_governor + axum-github-webhook-extract";
pub const GOVERNED_STANDARD: &str = "tower_governor + axum-standardwebhooks";

/// The largest body, where the guard has a limit that can be set.
const MAX_BODY: usize = 25 << 20;

pub struct App {
    pub name: &'static str,
    pub version: String,
    pub router: Router,
    /// Whether it looks at the signature at all.
    pub checks: bool,
}

impl App {
    fn new(name: &'static str, version: impl Into<String>, route: MethodRouter) -> Self {
        Self {
            name,
            version: version.into(),
            // As axum's servers do: without it, every request lays the layers anew.
            router: Router::new().route("/webhook", route).with_state(()),
            checks: true,
        }
    }
}

async fn handler(body: Bytes) -> StatusCode {
    std::hint::black_box(body);
    StatusCode::OK
}

fn bounded() -> MethodRouter {
    post(handler).layer(DefaultBodyLimit::max(MAX_BODY))
}

/// What people write: headers and body extracted, key set up, MAC compared.
async fn by_hand(
    State(secret): State<&'static str>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Some(signature) = headers
        .get("x-hub-signature-256")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("sha256="))
        .and_then(|value| hex::decode(value).ok())
    else {
        return StatusCode::UNAUTHORIZED;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&body);
    match mac.verify_slice(&signature) {
        Ok(()) => handler(body).await,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

/// The least that can be written: the header first, nothing cloned or allocated
/// that need not be.
async fn by_hand_lean(State(key): State<Arc<Hmac<Sha256>>>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let header = parts.headers.get("x-hub-signature-256");
    let hex = header.and_then(|value| value.as_bytes().strip_prefix(b"sha256="));
    let mut signature = [0; 32];
    if hex.is_none_or(|hex| hex::decode_to_slice(hex, &mut signature).is_err()) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let mut mac = Hmac::clone(&key);
    mac.update(&body);
    match mac.verify_slice(&signature) {
        Ok(()) => handler(body).await,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

async fn with_github_event(GithubEvent(event): GithubEvent<IgnoredAny>) -> StatusCode {
    std::hint::black_box(event);
    StatusCode::OK
}

async fn with_standard_webhook(StandardWebhook(body): StandardWebhook<Bytes>) -> StatusCode {
    handler(body).await
}

/// Never refuses: what is measured is what asking costs.
fn governed(route: MethodRouter) -> MethodRouter {
    let mut builder = GovernorConfigBuilder::default();
    let config = builder.per_nanosecond(1).burst_size(u32::MAX).finish();
    route.layer(GovernorLayer::new(config.unwrap()))
}

/// As its documentation has it, the layer does not compile on a router: it needs
/// a body that is `Sync`, and its errors answered.
fn webhook_verify(provider: Known) -> MethodRouter {
    let secret = webhook_verify::Secret::new(SECRET);
    let layer = webhook_verify::tower::VerifyLayer::<Full<Bytes>>::new(provider, secret);
    let answered = |_: axum::BoxError| async { StatusCode::BAD_REQUEST };
    post(handler).layer::<_, Infallible>(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(answered))
            .layer(layer),
    )
}

fn ours(provider: Provider) -> [App; 3] {
    let verifier = || Verifier::new(provider.scheme(), SECRET).unwrap();
    let plenty = || Quota::per_second(1_000_000_000).unwrap();
    let whole = WebhookLayer::new(verifier())
        .with_required_https()
        .with_allowlist(IpAllowlist::new(["192.30.252.0/22", "127.0.0.1"]).unwrap())
        .with_caller_limit(plenty())
        .with_delivery_limit(plenty());
    let us = || versions(&["tower-webhook"]);
    [
        App::new(
            VERIFY,
            us(),
            post(handler).layer(VerifyLayer::new(verifier())),
        ),
        App::new(
            WEBHOOK,
            us(),
            post(handler).layer(WebhookLayer::new(verifier())),
        ),
        App::new(WHOLE, us(), post(handler).layer(whole)),
    ]
}

fn bare() -> App {
    App {
        checks: false,
        ..App::new(BARE, versions(&["axum"]), bounded())
    }
}

pub fn github() -> Vec<App> {
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let by_hand = post(by_hand).layer(DefaultBodyLimit::max(MAX_BODY));
    let lean = post(by_hand_lean).with_state(Arc::new(key));
    let extract = || {
        let route = post(with_github_event).layer(DefaultBodyLimit::max(MAX_BODY));
        route.with_state(GithubToken(Arc::new(SECRET.to_owned())))
    };
    let mut all = vec![
        bare(),
        App::new(
            BY_HAND,
            versions(&["hmac", "sha2"]),
            by_hand.with_state(SECRET),
        ),
        App::new(BY_HAND_LEAN, versions(&["hmac", "sha2"]), lean),
    ];
    all.extend(ours(Provider::GitHub));
    all.extend([
        App::new(
            WEBHOOK_VERIFY,
            version("webhook-verify"),
            webhook_verify(Known::GitHub),
        ),
        App::new(
            TOWER_GITHUB,
            version("tower-github-webhook"),
            post(handler).layer(ValidateGitHubWebhookLayer::new(SECRET)),
        ),
        App::new(
            GITHUB_EXTRACT,
            version("axum-github-webhook-extract"),
            extract(),
        ),
        App::new(
            GOVERNED_GITHUB,
            version("tower_governor"),
            governed(extract()),
        ),
    ]);
    all
}

pub fn standard_webhooks() -> Vec<App> {
    let extract = || {
        let webhook = axum_standardwebhooks::Webhook::new(SECRET).unwrap();
        post(with_standard_webhook).with_state(SharedWebhook::new(webhook))
    };
    let mut all = vec![bare()];
    all.extend(ours(Provider::StandardWebhooks));
    all.extend([
        App::new(
            WEBHOOK_VERIFY,
            version("webhook-verify"),
            webhook_verify(Known::StandardWebhooks),
        ),
        App::new(
            STANDARD_EXTRACT,
            version("axum-standardwebhooks"),
            extract(),
        ),
        App::new(
            GOVERNED_STANDARD,
            version("tower_governor"),
            governed(extract()),
        ),
    ]);
    all
}
