//! Each event once: deduplication by event id.
//!
//! Providers deliver at least once: they repeat what was not answered in time,
//! and anyone who captured a request can repeat it too. [`DedupLayer`] sits
//! behind verification, claims the event in a
//! [`DedupStore`], lets the inner service process it, and marks it done only
//! when that succeeded.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_webhook::dedup::{DedupLayer, Duplicate, Lease};
//! use tower_webhook::{VerifiedBody, Verifier, VerifyLayer, provider};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::new(provider::github(), "It's a Secret to Everybody")?;
//! let service = ServiceBuilder::new()
//!     .layer(VerifyLayer::new(verifier))
//!     .layer(DedupLayer::in_memory())
//!     .service(service_fn(async |request: Request<VerifiedBody>| {
//!         let attempt = request.extensions().get::<Lease>().map(Lease::attempt);
//!         Ok::<_, Infallible>(Response::new(format!("attempt {attempt:?}")))
//!     }));
//!
//! let delivery = |id: &str| {
//!     Request::post("/github")
//!         .header("x-github-delivery", id)
//!         .header(
//!             "x-hub-signature-256",
//!             "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
//!         )
//!         .body(Full::new(Bytes::from("Hello, World!")))
//!         .unwrap()
//! };
//!
//! let first = service.clone().oneshot(delivery("72d3162e")).await?;
//! assert_eq!(first.status(), StatusCode::OK);
//! assert_eq!(first.body(), "attempt Some(1)");
//!
//! // The same event again: acknowledged, so that GitHub is content, and not
//! // processed.
//! let second = service.clone().oneshot(delivery("72d3162e")).await?;
//! assert_eq!((second.status(), second.body().as_str()), (StatusCode::OK, ""));
//! assert_eq!(second.extensions().get::<Duplicate>().unwrap().status, 200);
//!
//! // GitHub does not sign its ids. A captured request under another id is a
//! // duplicate all the same.
//! let replay = service.oneshot(delivery("made-up")).await?;
//! assert!(replay.extensions().get::<Duplicate>().is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # What is guaranteed
//!
//! An event whose handler succeeded is not processed again while it is
//! remembered, and an event whose handler failed is not lost: the provider's
//! next delivery is processed. Of several deliveries at the same time, one is
//! processed.
//!
//! That is *at least once, with rare repetitions*. A second run needs one of
//! these:
//!
//! - the process dies after the handler's effect and before the event is marked
//!   done: the next delivery runs once the lease is over;
//! - the store cannot be reached for longer than a lease, while the handler
//!   runs or when its event is to be marked done;
//! - a handler holds the thread, or the machine sleeps, for longer than a
//!   lease, or the handler runs for longer than it may hold its event
//!   ([`DedupLayer::with_max_hold`]);
//! - the store forgets: it lost its data, or the event is older than
//!   [`DedupLayer::with_ttl`];
//! - you chose it: [`OnStoreFailure::Process`], or [`DedupLayer::forget`].
//!
//! In none of these does a late first run disturb the second: only the owner of
//! the lease can give an event back, and what is done stays done. Effects that
//! must not happen twice even so belong into one transaction with a record of
//! the event id, or carry [`Lease::attempt`] as a fencing number.
//!
//! # What is the same event
//!
//! The same id of the same provider, [endpoint](DedupLayer::with_endpoint) and
//! [tenant](crate::delivery::Tenant). An event without an id, where the
//! provider sends such, is known by its content: two honest ones with the same
//! bytes (and timestamp, where one is signed) are one. Where the provider's
//! events are often the same bytes
//! ([`Scheme::without_content_identity`](crate::signature::Scheme::without_content_identity),
//! Dropbox), a delivery without an id is passed on each time, without a
//! [`Lease`]; so is a replay of it.
//!
//! Where the signature does not cover the id
//! ([`Scheme::signs_event_id`](crate::signature::Scheme::signs_event_id)), what
//! was signed is remembered beside the id, and either makes a duplicate. The
//! price: two honest events with the same bytes are one here as well. Other bytes
//! under an id that is done, or in work, are a duplicate, or busy; but as they may
//! be captured ones of another event, they do not count as done themselves: they
//! are held for as long as they are fresh, at least for a lease, under every id.
//!
//! # What is answered
//!
//! | situation | answer |
//! |---|---|
//! | new event, handler succeeds (2xx) | the handler's answer; the event is done |
//! | new event, handler answers anything else | the handler's answer; the event is released, and the next delivery is processed |
//! | handler panics | 500, and the event is released |
//! | the inner service fails | its error; the event is released |
//! | nothing tells the event from others | the handler's answer, each time |
//! | the event is done | 200 (the scheme's success status), empty, with [`Duplicate`] in the response's extensions |
//! | the event is being processed | 503 (the scheme's overload status) and `Retry-After`, 1 to 30 seconds |
//! | the id is known with another content, where the scheme forbids that | 422 |
//! | the id is missing where the provider always sends one, or cannot be used | 400 |
//! | the store does not answer | 503 and `Retry-After`, or as [`DedupLayer::with_store_failure`] says |
//! | the store is full | 503 and `Retry-After` |
//! | the store fails after the handler succeeded | the handler's answer; marking the event done is tried again until a lease is over |
//!
//! Which statuses settle an event is [`DedupLayer::with_final_statuses`]. 503 is
//! for a run that may still fail: a 2xx would lose the event then, and many
//! senders never repeat what was answered with a 4xx.
//!
//! # Deployment caveats
//!
//! - **The handler outlives its connection.** Servers drop the response future
//!   when the client goes away, and hyper also when it closes its half; so does
//!   a timeout layer outside. The handler then goes on in a task, with its lease
//!   renewed. Before the process ends, stop taking requests and wait for
//!   [`Handlers::finished`]; what is cut off waits for its lease to run out.
//!   A timeout that is to stop the handler belongs inside this layer.
//! - **Lease** ([`DedupLayer::with_lease`], 30 seconds): how long an event waits
//!   after its process died. A handler that waits is renewed at every third of
//!   it, however long it runs, up to the longest hold. One that computes or
//!   blocks its thread is not: give it `spawn_blocking`.
//! - **Memory** ([`DedupLayer::with_ttl`], 96 hours) should be longer than the
//!   provider goes on retrying. [`WebhookLayer`](crate::WebhookLayer) refuses
//!   one that is shorter than signatures stay fresh, and reports one that is
//!   shorter than the retries.
//! - **Several processes** need a store that they share; the one in memory
//!   ([`DedupLayer::in_memory`]) knows one process, until it ends.
//! - **A step of the store** may take two seconds
//!   ([`DedupLayer::with_store_timeout`]).
//! - The layer demands `Clone` of the inner service and makes it ready once the
//!   event is claimed; a `LoadShed` must therefore sit inside.
//!
//! # What this does not do
//!
//! - It does not repeat the handler's answer to a duplicate, which is empty.
//! - It does not put events in order.
//! - It does not wait for the response's body: the event is settled by its
//!   status.
//! - It does not recognise a replay where nothing but a token proves the
//!   sender: whoever captured that can write any id.
//! - Without a signed timestamp, a captured request is a new event once its
//!   first delivery is forgotten. Change the secret when requests leaked.
//! - Where the id is not signed, and an event was attempted with several bodies
//!   or signatures, it knows those that it processed. Another attempt, captured,
//!   runs under another id: one whose handler failed, while it is fresh; and where
//!   no timestamp is signed, one that was a duplicate, a lease later.
//! - Where the id is not signed, whoever captured an event before it was processed
//!   can have it processed under the id of another that is still to come, which is
//!   then taken for a duplicate.
//!   [`ConflictPolicy::Reject`](crate::signature::ConflictPolicy::Reject) answers
//!   422 to that one instead; it suits senders whose attempts are the same bytes.
//!
//! [`DedupStore`]: crate::store::DedupStore

mod future;
mod guard;
mod handlers;
mod key;
mod layer;
mod lease;
mod protocol;
mod refusal;
mod renewal;
mod rows;
mod running;
mod service;
mod settlement;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use self::guard::catch;
#[cfg(feature = "postgres")]
pub(crate) use self::guard::{Panicked, run};
pub(crate) use self::key::Identity;
#[cfg(feature = "postgres")]
pub(crate) use self::refusal::{STORE_WAIT, busy, kind_of};
pub(crate) use self::refusal::{overload, refusal};
#[cfg(feature = "postgres")]
pub(crate) use self::rows::next_owner;
pub(crate) use self::running::Running;
pub(crate) use self::step::step;
pub use self::{
    future::ResponseFuture,
    handlers::Handlers,
    layer::{DedupLayer, OnStoreFailure},
    lease::Lease,
    service::Dedup,
};

/// In the extensions of a response: the event had been processed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Duplicate {
    /// The status the handler answered with then.
    pub status: u16,
    /// The attempt that processed it.
    pub attempt: u32,
}

/// In the extensions of a request: the store did not answer, and the event is
/// processed without protection, as
/// [`OnStoreFailure::Process`] asks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DedupUnavailable;
