//! Verify, store, acknowledge, process later: events that survive the process.
//!
//! [`Inbox`] ends the request behind verification: it gives the event to a
//! [`Sink`], waits until that has it durably, and answers the provider. What is
//! slow or may fail then happens outside the request, as often as it takes.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::StatusCode;
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::inbox::{Inbox, Put, sink_fn};
//! use tower_webhook::{Secret, Verifier, WebhookLayer, provider};
//!
//! # #[cfg(not(feature = "testing"))]
//! # fn main() {}
//! # #[cfg(feature = "testing")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::collections::HashSet;
//! # use std::sync::Mutex;
//! # use tower_webhook::testing::Signer;
//! # let queue = Arc::new(Mutex::new(HashSet::new()));
//! let sink = sink_fn(move |event| {
//!     let queue = Arc::clone(&queue); // a real one is on another machine
//!     async move {
//!         let mut queue = queue.lock().map_err(|_| "the queue does not answer")?;
//!         match queue.insert(*event.key()) {
//!             true => Ok::<_, &str>(Put::Stored),
//!             false => Ok(Put::AlreadyStored),
//!         }
//!     }
//! });
//! let secret = Secret::new("whsec_example");
//! let verifier = Verifier::new(provider::stripe(), secret.clone())?;
//! let guard = WebhookLayer::new(verifier).without_dedup(); // the sink sees to that
//! let service = guard.layer(Inbox::new(Arc::new(sink)));
//! // With axum: Router::new().route_service("/stripe", service)
//!
//! let signer = Signer::new(provider::stripe(), secret)?;
//! let request = || signer.sign("/stripe", r#"{"id":"evt_1"}"#).map(Full::new);
//! let accepted = service.clone().oneshot(request()).await?;
//! assert_eq!(accepted.status(), StatusCode::OK);
//! assert_eq!(accepted.extensions().get(), Some(&Put::Stored));
//!
//! let repeated = service.clone().oneshot(request()).await?;
//! assert_eq!(repeated.extensions().get(), Some(&Put::AlreadyStored));
//!
//! // Refused: somebody changed the event on its way.
//! let forged = request().map(|_| Full::from(r#"{"id":"evt_2"}"#));
//! let refused = service.oneshot(forged).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # Which sink
//!
//! | sink | durable when | feature |
//! |---|---|---|
//! | `PostgresInbox` | the insert is committed and on disk; `PostgresWorker` processes the events | `postgres` |
//! | `RedisStreamSink` | as the server's append-only file is synced: see there | `redis` |
//! | [`sink_fn`] | your function says so | |
//!
//! The examples `inbox_nats` (JetStream) and `inbox_jobs` (a job queue) show two of
//! the latter.
//!
//! # What is promised
//!
//! - **Nothing is acknowledged that is not stored.** The provider gets the
//!   scheme's success status (200) after [`Sink::put`] returned, never before.
//!   Where that fails, panics or takes longer than [`Inbox::with_timeout`] (two
//!   seconds), it gets the scheme's overload status (503) and comes again.
//!   GitHub does not by itself: have its deliveries repeated by hand.
//! - **An event is stored once.** The sink stores it only if it is absent, which
//!   is the deduplication: no [`DedupLayer`](crate::dedup::DedupLayer) is
//!   needed in front, and [`WebhookLayer::without_dedup`](crate::WebhookLayer::without_dedup)
//!   turns it off. What makes two deliveries one event is told
//!   [there](crate::dedup#what-is-the-same-event). A repetition is answered like
//!   the first. An event without an identity is stored each time, under a
//!   random key.
//! - **A captured request is known under every id**: where the provider does
//!   not sign the id, a digest of what was signed is a second key.
//! - **An event is stored as it was sent**: the body's bytes, and the headers
//!   `content-type`, those with the event's id and type, and what
//!   [`Inbox::with_header`] names. Never one with a signature, a token or a
//!   cookie.
//! - **A put goes on when the client goes away**, in a task. Wait for
//!   [`Inbox::puts`] before the process ends; what is cut off is not
//!   acknowledged.
//! - **Processed at least once.** A worker whose process dies after the effect
//!   leaves an event that runs again. Effects in the worker's own transaction
//!   happen exactly once (`PostgresWorker::run_in_transaction`).
//!
//! | situation | answer |
//! |---|---|
//! | stored, now or before | 200 (the scheme's success status), empty, with [`Put`] in the response's extensions |
//! | the id is missing where the provider always sends one, or cannot be used | 400 |
//! | the sink fails, panics or is late | 503 (the scheme's overload status) and `Retry-After` |
//!
//! # What this does not do
//!
//! - It does not compare the content under one id: where a
//!   [`DedupLayer`](crate::dedup::DedupLayer) answers a second content with 422,
//!   it counts as stored here.
//! - It does not put events in order, pass them on to others, or show them.
//! - The memory of stored events ends: without a signed timestamp, a captured
//!   request is a new event then.

mod event;
mod future;
mod headers;
#[cfg(any(feature = "postgres", feature = "redis", test))]
mod json;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod service;
mod sink;
#[cfg(test)]
mod tests;
#[cfg(feature = "postgres")]
mod transaction;

#[cfg(feature = "postgres")]
pub use self::postgres::{Failure, PostgresInbox, PostgresWorker, StoredEvent};
#[cfg(feature = "redis")]
pub use self::redis::RedisStreamSink;
#[cfg(feature = "postgres")]
pub use self::transaction::{Fresh, NotFresh, TransactionalInbox};
pub use self::{
    event::InboxEvent,
    future::ResponseFuture,
    service::Inbox,
    sink::{Put, Sink, SinkError, SinkFn, SinkFuture, sink_fn},
};
#[cfg(feature = "postgres")]
pub use crate::postgres::PostgresSetupError;
#[cfg(feature = "redis")]
pub use crate::store::RedisSetupError;
