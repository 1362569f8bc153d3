//! Observing a guard before it is put in force.
//!
//! [`ObserveLayer`] runs the checks of a [`WebhookLayer`] on a live route and
//! reports what it would have done. Every request reaches the inner service,
//! as it was sent and unverified.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_webhook::observe::{Observation, ObserveLayer, ObservedBody};
//! use tower_webhook::{Verifier, WebhookLayer, provider};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let guard = WebhookLayer::new(Verifier::new(provider::gitlab_token(), "token")?);
//! let observe = ObserveLayer::new(guard).with_report(|observation| {
//!     // A counter with `provider()` and `as_str()` as labels, for instance.
//!     println!("{observation}");
//! });
//! let service = observe.layer(service_fn(async |_: Request<ObservedBody<Full<Bytes>>>| {
//!     Ok::<_, Infallible>(Response::new("handled"))
//! }));
//!
//! let request = |token: &str| {
//!     Request::post("/gitlab")
//!         .header("x-gitlab-token", token)
//!         .header("idempotency-key", "b5e1cbb0")
//!         .body(Full::new(Bytes::from("{}")))
//!         .unwrap()
//! };
//! let genuine = service.clone().oneshot(request("token")).await?;
//! assert_eq!((genuine.status(), *genuine.body()), (StatusCode::OK, "handled"));
//! assert!(genuine.extensions().get::<Observation>().unwrap().is_accepted());
//!
//! // The forged one is handled as well, and the report says what is wrong:
//! let forged = service.oneshot(request("guessed")).await?;
//! assert_eq!((forged.status(), *forged.body()), (StatusCode::OK, "handled"));
//! let observation = forged.extensions().get::<Observation>().unwrap();
//! assert_eq!(observation.as_str(), "signature_mismatch");
//! # Ok(())
//! # }
//! ```
//!
//! This protects nothing. What verifies requests now must go on doing so until
//! the guard is in force.
//!
//! # How it observes
//!
//! The inner service is called at once, once for each request, and reads the
//! original body. The guard, the whole of it with its store and its limits,
//! runs beside on a copy: it reads the same body as it will when it is in force,
//! with its own limits and deadline. Both see each frame as it comes, so a
//! handler that streams goes on streaming. A body that is too large, too slow or
//! broken for the guard is so for the guard alone.
//!
//! To the guard, the handler answers as the inner service does: an event is
//! remembered once the inner service succeeded, and released otherwise. A
//! retry after a failure is therefore not taken for a duplicate. Where the guard
//! would not call the handler, the inner service runs all the same.
//!
//! # What is reported
//!
//! Each [`Observation`] goes to
//!
//! - the function given to [`ObserveLayer::with_report`];
//! - the log, with feature `tracing`: at level `INFO` what would be accepted or
//!   is a duplicate, at `WARN` what would be refused. The guard's own `webhook
//!   refused` is not logged;
//! - the extensions of the response, for layers outside, if it is known when
//!   the inner service answers. The answer never waits for it: with a store in
//!   memory and a body that has come it is there, with a store over a network
//!   it may come later.
//!
//! A panic in the function, or in what the guard calls, is logged and reaches
//! nobody else.
//!
//! # Switching over
//!
//! 1. Put `ObserveLayer::new(guard)` in front of the handler as it is. A handler
//!    that will ask for a [`Delivery`](crate::Delivery) can ask for
//!    `Option<Delivery>` now (feature `axum`): it is `None` while observed.
//! 2. Look at what would be refused until all of it should be. Compare with
//!    what the handler itself decides: in a layer outside, the status and the
//!    [`Observation`] of one response.
//! 3. Replace `ObserveLayer::new(guard)` by `guard`. With a store that outlives
//!    the process, events that were processed while observed are known.
//!
//! Processes that observe and processes that enforce can share a store for the
//! time of a deployment.
//!
//! # Deployment caveats
//!
//! - **Where**: in the same place as the guard later, behind what changes
//!   requests and in front of nothing that changes bodies.
//! - **Quotas and events are the guard's own.** A guard that is observed on one
//!   route and in force on another counts both.
//! - **A body is read whether or not the handler reads it**, up to the guard's
//!   limits; the inner service gets what was read ahead. This is what the guard
//!   will do, and it answers `Expect: 100-continue`. It also takes as much memory:
//!   at most the largest body for each request, while it is read.
//! - **A handler still ends with its connection** if it did so before; its event
//!   is released. In force, the guard lets it run to its end: see
//!   [`dedup`](crate::dedup#deployment-caveats).
//! - **The guard can outlast the answer**, by a step of its store or the rest of
//!   a body that the handler did not read. Wait for
//!   [`WebhookLayer::handlers`] before the process ends, as with the guard in
//!   force.
//! - The layer is ready when its inner service is, which may be before the body
//!   has come. In force, the guard makes the handler ready afterwards.
//!
//! # What this does not do
//!
//! - It does not say what a provider would have done next: it is answered by
//!   the handler, and retries what that failed, not what the guard refused.
//! - It does not claim an event before the handler runs, but beside it. Two
//!   deliveries of one event at the same time both run, as ever; one is reported
//!   as being in flight.
//! - It does not report a request whose sender left before the body had come.
//!
//! [`WebhookLayer`]: crate::WebhookLayer
//! [`WebhookLayer::handlers`]: crate::WebhookLayer::handlers

mod body;
mod case;
mod future;
mod layer;
mod observation;
mod probe;
mod service;

#[cfg(test)]
mod tests;

pub use self::{
    body::ObservedBody,
    future::ResponseFuture,
    layer::ObserveLayer,
    observation::{Observation, Verdict},
    service::Observe,
};
