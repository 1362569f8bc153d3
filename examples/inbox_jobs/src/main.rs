//! A durable inbox on a job queue (graphile_worker, in PostgreSQL): an event is
//! acknowledged to Stripe once its job is committed.
//!
//! ```sh
//! createdb shop
//! DATABASE_URL=postgres:///shop STRIPE_SECRET=whsec_… cargo run
//! cargo test    # starts a private PostgreSQL
//! ```
//!
//! A job queue forgets a job when it is done, and most forget its key with it.
//! So the keys of events have a table of their own, and the job is added in the
//! same transaction: this queue can be asked from SQL. `PostgresInbox` needs
//! no queue; take this where you have one.

use std::sync::Arc;

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, Worker, WorkerContext, WorkerOptions};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::types::Json;
use tower::Layer;
use tower_webhook::inbox::{Inbox, InboxEvent, Put, Sink, sink_fn};
use tower_webhook::{ConfigError, Verifier, WebhookLayer, provider};

/// What the queue holds of an event: JSON, so the body is base64. It is never
/// written anew from parsed values.
#[derive(Debug, Serialize, Deserialize)]
struct Paid {
    event_id: Option<String>,
    body: String,
}

impl TaskHandler for Paid {
    const IDENTIFIER: &'static str = "paid";

    /// A job may run twice; what must not happen twice carries the event's id.
    async fn run(self, _context: WorkerContext) -> impl IntoTaskHandlerResult {
        let body = STANDARD
            .decode(&self.body)
            .map_err(|error| error.to_string())?;
        println!("{:?}: {} bytes", self.event_id, body.len());
        Ok::<(), String>(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    let worker = worker(&pool).await?;
    let secret = std::env::var("STRIPE_SECRET")?;
    let inbox = Inbox::new(Arc::new(sink(pool)));
    let app = app(&secret, inbox)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or(()) };
    let serve = async {
        axum::serve(listener, app)
            .with_graceful_shutdown(stop)
            .await
    };
    let (served, worked) = tokio::join!(serve, worker.run());
    served?;
    worked?;
    Ok(())
}

fn app(secret: &str, inbox: Inbox) -> Result<Router, ConfigError> {
    let stripe = Verifier::new(provider::stripe(), secret)?;
    // The table of keys recognises what is there.
    let guard = WebhookLayer::new(stripe).without_dedup();
    Ok(Router::new().route_service("/stripe", guard.layer(inbox)))
}

/// Makes the queue's tables and ours. Delete keys that are older than the
/// provider retries (Stripe: three days) now and then.
async fn worker(pool: &PgPool) -> Result<Worker, Box<dyn std::error::Error>> {
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS webhook_keys (
           key bytea PRIMARY KEY, seen timestamptz NOT NULL DEFAULT now())",
    )
    .execute(pool)
    .await?;
    let worker = WorkerOptions::default()
        .pg_pool(pool.clone())
        .schema("graphile_worker")
        .define_job::<Paid>();
    Ok(worker.init().await?)
}

fn sink(pool: PgPool) -> impl Sink {
    sink_fn(move |event| {
        let pool = pool.clone();
        async move { add(&pool, &event).await }
    })
}

async fn add(pool: &PgPool, event: &InboxEvent) -> Result<Put, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // What was signed comes first: it is known under a made-up id as well.
    for key in event.replay_key().into_iter().chain([event.key()]) {
        let insert = "INSERT INTO webhook_keys (key) VALUES ($1) ON CONFLICT DO NOTHING";
        let insert = sqlx::query(insert).bind(key.as_bytes().as_slice());
        if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
            transaction.commit().await?;
            return Ok(Put::AlreadyStored);
        }
    }
    let job = Json(Paid {
        event_id: event.event_id().map(ToString::to_string),
        body: STANDARD.encode(event.body()),
    });
    sqlx::query("SELECT FROM graphile_worker.add_job('paid', $1::json)")
        .bind(job)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Put::Stored)
}

#[cfg(test)]
#[path = "../../../tests/stores/servers/mod.rs"]
#[allow(dead_code, unused_imports)]
mod servers;
#[cfg(test)]
mod tests;
