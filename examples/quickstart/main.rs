//! Six guarded webhook routes under one axum router.
//!
//! ```sh
//! cargo run --example quickstart --features axum,testing,tracing
//! ```
//!
//! It prints signed requests to paste into another terminal, good and bad
//! ones (`commands.rs`); the log on stderr says why each bad one was refused.

#![expect(clippy::print_stdout, reason = "a terminal is where an example speaks")]

#[path = "../support/curl.rs"]
mod curl;

mod commands;
mod secrets;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing::post};
use tokio::net::TcpListener;
use tower_webhook::dedup::DedupLayer;
use tower_webhook::rate_limit::Quota;
use tower_webhook::signature::Scheme;
use tower_webhook::{ConfigError, Delivery, Verifier, WebhookLayer, provider};

use self::secrets::Secrets;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();

    let secrets = Secrets::random();
    // One memory of events for all routes: providers are kept apart in it.
    let dedup = DedupLayer::in_memory();
    let guard = |scheme: Scheme, secret: &str| -> Result<WebhookLayer, ConfigError> {
        WebhookLayer::new(Verifier::new(scheme, secret)?)
            .with_caller_limit(Quota::per_minute(10)?)
            .with_dedup(dedup.clone())
    };

    // Small, so that the command that exceeds it is short.
    let stripe = guard(provider::stripe(), &secrets.stripe)?.with_max_body(16 * 1024)?;
    let github = guard(provider::github(), &secrets.github)?;
    let gitlab = guard(provider::gitlab_token(), &secrets.gitlab)?;
    let shopify = guard(provider::shopify(), &secrets.shopify)?;
    let slack = guard(provider::slack(), &secrets.slack)?;
    let standard = guard(provider::standard_webhooks(), &secrets.standard)?;

    let app = Router::new()
        .route("/stripe", post(process).layer(stripe))
        .route("/github", post(process).layer(github))
        .route("/gitlab", post(process).layer(gitlab))
        .route("/shopify", post(process).layer(shopify))
        .route("/slack", post(process).layer(slack))
        .route("/standard", post(process).layer(standard));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    commands::print(listener.local_addr()?, &secrets)?;

    // The limit per caller needs to know the caller's address.
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async { _ = tokio::signal::ctrl_c().await })
        .await?;
    // Handlers outlive their connections; the process should not end first.
    tokio::time::timeout(Duration::from_secs(30), dedup.handlers().finished()).await?;
    Ok(())
}

/// Runs once for each event.
async fn process(delivery: Delivery) -> String {
    let event = delivery.event_type().unwrap_or("event");
    let id = delivery.event_id().map_or("without id", |id| id.as_str());
    tracing::info!(provider = delivery.provider(), event, id, "processed");
    format!("processed {event} {id}\n")
}
