//! The layers one by one, behind a trusted proxy, with an allowlist that is
//! replaced while serving.
//!
//! ```sh
//! cargo run --example compose --features axum,testing
//! ```
//!
//! Use this instead of `WebhookLayer` to leave a layer out, or to put one of
//! yours in between.

#![expect(clippy::print_stdout, reason = "a terminal is where an example speaks")]

#[path = "support/curl.rs"]
mod curl;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing::post};
use bytes::Bytes;
use http::{HeaderValue, Request};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_webhook::client_ip::{ClientIp, TrustedProxies};
use tower_webhook::dedup::DedupLayer;
use tower_webhook::https::RequireHttpsLayer;
use tower_webhook::ip_allowlist::{IpAllowlist, IpAllowlistLayer};
use tower_webhook::rate_limit::{Quota, RateLimitLayer};
use tower_webhook::testing::Signer;
use tower_webhook::{ConfigError, Delivery, Verifier, VerifyLayer, provider};

const SECRET: &str = "whsec_for_demonstration_only";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The proxy that ends TLS runs on this machine. From anyone else,
    // X-Forwarded-For and X-Forwarded-Proto count for nothing.
    let client_ip = ClientIp::behind(TrustedProxies::x_forwarded_for(["127.0.0.1", "::1"])?);
    let allowlist = IpAllowlist::new(["203.0.113.0/24"])?;
    let dedup = DedupLayer::in_memory();
    let handlers = dedup.handlers();

    let guard = ServiceBuilder::new()
        .layer(RequireHttpsLayer::new().with_client_ip(client_ip.clone()))
        .layer(IpAllowlistLayer::new(allowlist.clone()).with_client_ip(client_ip.clone()))
        .layer(RateLimitLayer::per_caller(Quota::per_minute(10)?).with_client_ip(client_ip))
        .layer(VerifyLayer::new(Verifier::new(provider::stripe(), SECRET)?))
        .layer(RateLimitLayer::per_delivery(Quota::per_second(100)?))
        .layer(dedup);
    let app = Router::new().route("/stripe", post(process).layer(guard));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    print_commands(listener.local_addr()?)?;
    tokio::spawn(replace_from_stdin(allowlist));

    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async { _ = tokio::signal::ctrl_c().await })
        .await?;
    tokio::time::timeout(Duration::from_secs(30), handlers.finished()).await?;
    Ok(())
}

async fn process(delivery: Delivery) -> String {
    format!("processed {:?}\n", delivery.event_id())
}

/// Stands for whatever tells you of a new list: a timer that fetches what the
/// provider publishes, a signal, a message.
async fn replace_from_stdin(allowlist: IpAllowlist) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match allowlist.replace(line.split_whitespace()) {
            Ok(()) => println!("Replaced: {allowlist:?}"),
            Err(error) => println!("Left as it was: {error}"),
        }
    }
}

/// What the proxy would pass on.
fn print_commands(server: SocketAddr) -> Result<(), ConfigError> {
    println!("Listening on http://{server}\n");
    for (outcome, id, client, scheme) in [
        ("200: a listed caller", "evt_1", "203.0.113.7", "https"),
        ("403: over plain HTTP", "evt_2", "203.0.113.7", "http"),
        ("403: not listed", "evt_3", "198.51.100.9", "https"),
        (
            "403: not listed, but claims to be",
            "evt_4",
            "203.0.113.7, 198.51.100.9",
            "https",
        ),
    ] {
        let body = format!(r#"{{"id":"{id}","type":"invoice.paid"}}"#);
        let mut request = Signer::new(provider::stripe(), SECRET)?.sign("/stripe", body);
        add_header(&mut request, "x-forwarded-for", client);
        add_header(&mut request, "x-forwarded-proto", scheme);
        println!("# {outcome}\n{}\n", curl::curl(server, &request));
    }
    println!("Type networks, such as 198.51.100.0/24, to replace the allowlist.");
    Ok(())
}

fn add_header(request: &mut Request<Bytes>, name: &'static str, value: &'static str) {
    request
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
