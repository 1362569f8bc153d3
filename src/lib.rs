//! Tower layers that guard the HTTP routes where Stripe, GitHub, Slack and
//! others deliver webhooks.
//!
//! A request that reaches your handler has been proved authentic over its raw
//! bytes, fresh, allowed, within its rate, and not yet processed. Everything
//! else got a short answer that tells an attacker nothing.
//!
//! ```
//! use axum::{Router, routing::post};
//! use tower_webhook::{Delivery, Verifier, WebhookLayer, provider};
//!
//! async fn paid(delivery: Delivery) {
//!     println!("{:?} {:?}", delivery.event_type(), delivery.event_id());
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = "whsec_example";
//! let stripe = Verifier::new(provider::stripe(), secret)?;
//! let app: Router = Router::new()
//!     .route("/stripe", post(paid).layer(WebhookLayer::new(stripe)));
//! # Ok(())
//! # }
//! ```
//!
//! Genuine deliveries reach `paid`, once each. A forged or stale one gets 401, a
//! repeated one 200 without a call, one whose body is too large or too slow 413
//! or 408. The challenges with which Slack, Zoom and others test an endpoint are
//! [answered](handshake). HTTPS, an IP allowlist and rate limits are one `with_*`
//! method each on [`WebhookLayer`]. Every refusal carries a [`Rejection`] for your logs.
//!
//! # The way of a request
//!
//! ```text
//!  bytes in
//!    │  RequireHttpsLayer     plain HTTP?                       403
//!    │  IpAllowlistLayer      caller not on the list?           403
//!    │  RateLimitLayer        caller's failures over its quota? 429 + Retry-After
//!    │  HandshakeLayer        a challenge, unsigned?            200 and its answer
//!    │  VerifyLayer           headers judged before the body is read
//!    │                        body: size limit, read deadline   413 / 408
//!    │                        MAC hashed while the body arrives
//!    │                        signature, freshness              401 (status per provider)
//!    │                        → Request<VerifiedBody>
//!    │  HandshakeLayer        a challenge, signed?              200 and its answer
//!    │  RateLimitLayer        tenant over its quota?            503 or 429, per provider
//!    │  DedupLayer            done before / being processed?    200 empty / 503 + Retry-After
//!    ▼                        claim → inner, outliving the connection → complete | release
//!  inner service: Request<VerifiedBody>, Delivery in extensions
//! ```
//!
//! [`WebhookLayer`] is all of it in this order. Each layer also stands alone in
//! its module, to be composed by hand with `tower::ServiceBuilder`. The order of
//! what matters is a type: [`DedupLayer`](dedup::DedupLayer), the limit per
//! tenant and the [layer for signed challenges](handshake) take nothing but a
//! request with a [`VerifiedBody`], and only [`VerifyLayer`] makes one. A stack that deduplicates before it verifies does
//! not compile:
//!
//! ```compile_fail,E0277
//! # use axum::{Router, routing::post};
//! # use tower::ServiceBuilder;
//! # use tower_webhook::{Verifier, VerifyLayer, dedup::DedupLayer, provider};
//! # async fn handler() {}
//! # let verifier = Verifier::new(provider::stripe(), "whsec_example").unwrap();
//! let stack = ServiceBuilder::new()
//!     .layer(DedupLayer::in_memory())
//!     .layer(VerifyLayer::new(verifier)); // the wrong way round
//! let app: Router = Router::new().route("/", post(handler).layer(stack));
//! ```
//!
//! With the two swapped it does:
//!
//! ```
//! # use axum::{Router, routing::post};
//! # use tower::ServiceBuilder;
//! # use tower_webhook::{Verifier, VerifyLayer, dedup::DedupLayer, provider};
//! # async fn handler() {}
//! # let verifier = Verifier::new(provider::stripe(), "whsec_example").unwrap();
//! let stack = ServiceBuilder::new()
//!     .layer(VerifyLayer::new(verifier))
//!     .layer(DedupLayer::in_memory());
//! let app: Router = Router::new().route("/", post(handler).layer(stack));
//! ```
//!
//! # On several machines
//!
//! Events are remembered in the memory of one process, unless a store is given
//! that machines share (see [`store`]). [`operations`] says which, and what
//! it promises.
//!
//! # Without tower
//!
//! [`signature`] is pure: parts of a request and bytes in, verdict out, for
//! Lambda, Workers, actix and tests.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` | the extractors [`Delivery`] and `VerifiedJson`; the peer address of axum's `ConnectInfo` |
//! | `certificate` | Amazon SNS and PayPal, which sign with the key of a certificate; implies `public-key` |
//! | `client-cert` | `RequireClientCertLayer`: TLS client certificates by key, name and issuer, from the connection or from a proxy |
//! | `http-signature` | HTTP Message Signatures (RFC 9421) with `Content-Digest` (RFC 9530) |
//! | `tracing` | an event for every accepted, refused, duplicate and busy request |
//! | `postgres` | `PostgresStore`; `TransactionalInbox`: effects exactly once; `PostgresInbox` and its worker (sqlx 0.9, Rust 1.94) |
//! | `redis` | `RedisStore`, `RedisRateLimiter`, `RedisStreamSink`, for any connection of the crate `redis` 1 |
//! | `public-key` | presets and schemes signed with a private key: Ed25519, ECDSA P-256, RSA |
//! | `jwt` | presets and schemes with a JSON Web Token: Plaid, Google Pub/Sub, Microsoft Entra and others |
//! | `fetch` | public keys over HTTPS, from configured hosts only: JWK sets, certificates, Plaid |
//! | `testing` | signing of genuine requests for any scheme, a manual clock, a conformance suite for stores |
//!
//! None is on by default, and none changes what the others do.
//!
//! # When a request is refused and should not be
//!
//! [`explain`] says why in one sentence: "The signature is right over the JSON
//! written without white space …". [`WebhookLayer::with_explanations`] logs it,
//! for development.
//!
//! # What this does not do
//!
//! - It does not make effects exactly-once, unless they are in the same PostgreSQL
//!   ([`inbox`]): elsewhere a handler whose machine dies between its effect and its
//!   answer runs again. See [`dedup`].
//! - It does not protect what a provider does not sign. Each preset in
//!   [`provider`] says what that is.
//! - An allowlist and a token in a URL are no substitute for a signature.
//! - `axum::serve` sets no timeout on headers; the example `hyper` shows a server
//!   that does.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[macro_use]
mod macros;

pub mod body;
#[cfg(feature = "client-cert")]
pub mod client_cert;
pub mod client_ip;
pub mod clock;
pub mod dedup;
pub mod delivery;
mod early;
mod error;
pub mod explain;
#[cfg(feature = "axum")]
pub mod extract;
pub mod handshake;
pub mod https;
pub mod inbox;
#[doc(hidden)]
pub mod internal;
pub mod ip_allowlist;
pub mod keys;
pub mod observe;
#[doc = include_str!("operations.md")]
pub mod operations {}
mod oneshot;
#[cfg(feature = "postgres")]
mod postgres;

mod primitives;
pub mod provider;
pub mod rate_limit;
pub mod rejection;
pub mod secret;
pub mod signature;
pub mod store;
mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod timestamp;
pub mod verify;
pub mod webhook;

#[doc(inline)]
pub use self::{
    body::VerifiedBody,
    clock::Clock,
    delivery::Delivery,
    error::ConfigError,
    rejection::{Rejection, RejectionKind},
    secret::{Secret, Secrets},
    signature::Verifier,
    timestamp::Timestamp,
    verify::VerifyLayer,
    webhook::WebhookLayer,
};
