//! A durable inbox on NATS JetStream: an event is acknowledged to Stripe once
//! JetStream has acknowledged it to us.
//!
//! ```sh
//! nats-server -js &
//! STRIPE_SECRET=whsec_… cargo run    # POST http://localhost:3000/stripe
//! cargo test                         # starts a private nats-server
//! ```
//!
//! JetStream drops a message whose `Nats-Msg-Id` it has seen within the stream's
//! `duplicate_window`: that is the deduplication. What an acknowledgement is
//! worth is up to the server: with three replicas a quorum has the message; a
//! single one writes it to its disk within `sync_interval` (two minutes, unless
//! you set it to `always`, which NATS 2.10 knows).

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, Context, context::PublishErrorKind, stream};
use async_nats::{HeaderMap, header::NATS_MESSAGE_ID};
use axum::Router;
use tower::Layer;
use tower_webhook::inbox::{Inbox, InboxEvent, Put, Sink, SinkError, sink_fn};
use tower_webhook::{ConfigError, Verifier, WebhookLayer, provider};

const SUBJECT: &str = "webhooks.stripe";

#[tokio::main]
async fn main() -> Result<(), async_nats::Error> {
    let client = async_nats::connect("nats://localhost:4222").await?;
    let jetstream = jetstream::new(client);
    make_stream(&jetstream).await?;

    let secret = std::env::var("STRIPE_SECRET")?;
    let inbox = Inbox::new(Arc::new(sink(jetstream)));
    let puts = inbox.puts();
    let app = app(&secret, inbox)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or(()) };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    puts.finished().await;
    Ok(())
}

fn app(secret: &str, inbox: Inbox) -> Result<Router, ConfigError> {
    let stripe = Verifier::new(provider::stripe(), secret)?;
    // JetStream recognises what it has.
    let guard = WebhookLayer::new(stripe).without_dedup();
    Ok(Router::new().route_service("/stripe", guard.layer(inbox)))
}

/// Messages are remembered for longer than Stripe retries, which is three days.
async fn make_stream(jetstream: &Context) -> Result<(), async_nats::Error> {
    let config = stream::Config {
        name: "webhooks".to_owned(),
        subjects: vec!["webhooks.>".to_owned()],
        storage: stream::StorageType::File,
        duplicate_window: Duration::from_secs(96 * 60 * 60),
        ..stream::Config::default()
    };
    jetstream.get_or_create_stream(config).await?;
    Ok(())
}

fn sink(jetstream: Context) -> impl Sink {
    sink_fn(move |event| {
        let jetstream = jetstream.clone();
        async move { publish(&jetstream, &event).await }
    })
}

async fn publish(jetstream: &Context, event: &InboxEvent) -> Result<Put, SinkError> {
    // JetStream looks for one id. Of a provider that does not sign the event's,
    // it must be what was signed, or a captured request would pass under
    // another id; such a provider's attempts that are signed anew are for the
    // consumer to tell apart, by `Event-Key`.
    let id = event.replay_key().unwrap_or(event.key());
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, hex::encode(id.as_bytes()));
    headers.insert("Event-Key", hex::encode(event.key().as_bytes()));
    headers.insert("Provider", event.provider());
    let sent = jetstream.publish_with_headers(SUBJECT, headers, event.body().clone());
    // The first wait is for the message to be sent, the second for the
    // acknowledgement. `Inbox` ends both after two seconds.
    let acknowledged = sent.await.map_err(SinkError::new)?.await;
    match acknowledged {
        Ok(ack) if ack.duplicate => Ok(Put::AlreadyStored),
        Ok(_) => Ok(Put::Stored),
        Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
            Err(SinkError::new("there is no stream for the subject"))
        }
        Err(error) => Err(SinkError::new(error)),
    }
}

#[cfg(test)]
mod tests;
