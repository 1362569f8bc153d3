//! One of the machines: what a service of your own looks like.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::middleware::map_response;
use axum::response::Response;
use axum::{Extension, Router, routing::post};
use tokio::net::TcpListener;
use tower_webhook::dedup::{DedupLayer, Lease};
use tower_webhook::store::{DedupStore, PostgresStore, RedisStore};
use tower_webhook::{Delivery, Verifier, WebhookLayer, provider};

use super::Failure;

pub(crate) async fn run(name: String, store: &str) -> Result<(), Failure> {
    let app = app(name, open(store).await?)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    // Until whoever started it is gone.
    tokio::task::spawn_blocking(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    Ok(axum::serve(listener, app).await?)
}

/// What all machines share.
async fn open(url: &str) -> Result<Arc<dyn DedupStore>, Failure> {
    if url.starts_with("postgres:") {
        let store = PostgresStore::connect(url).await?;
        store.migrate().await?;
        return Ok(Arc::new(store));
    }
    Ok(Arc::new(RedisStore::connect(url).await?))
}

fn app(name: String, store: Arc<dyn DedupStore>) -> Result<Router, Failure> {
    let verifier = Verifier::new(provider::stripe(), std::env::var("SECRET")?)?;
    // Three seconds, so that the example need not wait for long for the event
    // of a machine that died. The default is 30.
    let dedup = DedupLayer::new(store).with_lease(Duration::from_secs(3))?;
    let guard = WebhookLayer::new(verifier).with_dedup(dedup)?;
    let name = HeaderValue::try_from(name)?;
    let tell = map_response(move |mut response: Response| {
        response.headers_mut().insert("x-machine", name.clone());
        std::future::ready(response)
    });
    Ok(Router::new()
        .route("/stripe", post(process).layer(guard))
        .layer(tell))
}

/// Runs once for each event, on one machine.
async fn process(delivery: Delivery, Extension(lease): Extension<Lease>) -> String {
    match delivery.event_type() {
        Some("slow") => tokio::time::sleep(Duration::from_secs(4)).await,
        Some("doomed") if lease.attempt() == 1 => std::process::abort(),
        _ => {}
    }
    format!("processed, attempt {}", lease.attempt())
}
