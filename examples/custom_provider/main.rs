//! A provider that has no preset: its scheme as data, with a known answer as
//! its test, in `acme.rs`.
//!
//! ```sh
//! cargo run --example custom_provider --features axum,testing
//! ```

#![expect(clippy::print_stdout, reason = "a terminal is where an example speaks")]

mod acme;
#[path = "../support/curl.rs"]
mod curl;

use std::error::Error;

use axum::{Router, routing::post};
use http::StatusCode;
use tokio::net::TcpListener;
use tower_webhook::testing::Signer;
use tower_webhook::{Delivery, Verifier, WebhookLayer};

use self::acme::acme;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = "for demonstration only";
    let guard = WebhookLayer::new(Verifier::new(acme(), secret)?);
    let app = Router::new().route("/acme", post(process).layer(guard));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let server = listener.local_addr()?;
    println!("Listening on http://{server}\n");
    for (outcome, secret) in [("204: genuine", secret), ("403: forged", "a guess")] {
        let request = Signer::new(acme(), secret)?
            .with_event_id("42")
            .sign("/acme", r#"{"kind":"parcel.delivered"}"#);
        println!("# {outcome}\n{}\n", curl::curl(server, &request));
    }
    println!("Ctrl-C ends.");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn process(delivery: Delivery) -> StatusCode {
    println!("{:?} {:?}", delivery.event_type(), delivery.event_id());
    StatusCode::NO_CONTENT
}
