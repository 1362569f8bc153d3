//! Limits: how often a caller may fail, and how much a tenant may send.
//!
//! The two limits stand in different places and count different things.
//!
//! * [`RateLimitLayer::per_caller`] stands in front of everything that reads
//!   the body. It counts by the caller's network (an IPv4 address, an IPv6
//!   /64), and only requests that *failed*: those whose response carries a
//!   [`Rejection`](crate::Rejection) for a failed verification, or for a body
//!   that was too large, too slow or cut off. A provider that bursts from a
//!   few addresses pays nothing. Whoever used up the quota is answered 429
//!   with `Retry-After` before any work is done; a caller without an address
//!   is answered 403.
//! * [`RateLimitLayer::per_delivery`] stands behind verification. It counts
//!   every verified request by provider, endpoint and
//!   [tenant](crate::delivery::Tenant), so that one of them cannot starve the
//!   others. The status is the one after which the provider is known to try
//!   again, 503 in most cases.
//!
//! ```
//! # use std::convert::Infallible;
//! # use std::net::SocketAddr;
//! use http::{Request, Response, StatusCode};
//! use tower::{Layer, ServiceExt, service_fn};
//! # use tower_webhook::client_ip::PeerAddr;
//! use tower_webhook::rate_limit::{MemoryRateLimiter, Quota, RateKey, RateLimitLayer, RateLimiter};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let route = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
//! # let from = |address: SocketAddr| {
//! #     let mut request = Request::new(String::new());
//! #     request.extensions_mut().insert(PeerAddr::new(address));
//! #     request
//! # };
//! let quota = Quota::per_minute(3)?;
//! let limiter = MemoryRateLimiter::new(quota);
//! // As if three requests of one caller had failed:
//! for _ in 0..3 {
//!     limiter.charge(RateKey::caller("192.0.2.1".parse()?)).await?;
//! }
//!
//! let layer = RateLimitLayer::per_caller(quota).with_memory(limiter);
//! let service = layer.layer(route);
//!
//! let response = service.clone().oneshot(from("192.0.2.2:4711".parse()?)).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let response = service.oneshot(from("192.0.2.1:4711".parse()?)).await?;
//! assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
//! assert_eq!(response.headers()["retry-after"], "20");
//! # Ok(())
//! # }
//! ```
//!
//! # A limit for a fleet
//!
//! `RedisRateLimiter` (feature `redis`) has one quota for all machines. For
//! another store, implement [`RateLimiter`] and hand it to
//! [`RateLimitLayer::with_limiter`]. A limiter that fails does not fail the
//! request: the layer's own limiter, in memory and with the layer's quota,
//! decides then.
//!
//! ```
//! # use std::convert::Infallible;
//! # use std::net::SocketAddr;
//! # use std::sync::Arc;
//! use std::time::Duration;
//!
//! use tower_webhook::rate_limit::{Allowance, LimiterFuture, RateKey, RateLimiter};
//! # use http::{Request, Response, StatusCode};
//! # use tower::{Layer, ServiceExt, service_fn};
//! # use tower_webhook::client_ip::PeerAddr;
//! # use tower_webhook::rate_limit::{Quota, RateLimitLayer};
//!
//! /// Refuses one network.
//! #[derive(Debug)]
//! struct Blocked(RateKey);
//!
//! impl RateLimiter for Blocked {
//!     fn check(&self, key: RateKey) -> LimiterFuture {
//!         let blocked = self.0;
//!         LimiterFuture::boxed(async move {
//!             Ok(if key == blocked {
//!                 Allowance::Limited { retry_after: Duration::from_secs(60) }
//!             } else {
//!                 Allowance::Allowed
//!             })
//!         })
//!     }
//!
//!     fn charge(&self, key: RateKey) -> LimiterFuture {
//!         self.check(key)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let route = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
//! # let from = |address: SocketAddr| {
//! #     let mut request = Request::new(String::new());
//! #     request.extensions_mut().insert(PeerAddr::new(address));
//! #     request
//! # };
//! let blocked = Blocked(RateKey::caller("192.0.2.1".parse()?));
//! let layer = RateLimitLayer::per_caller(Quota::per_minute(3)?)
//!     .with_limiter(Arc::new(blocked))
//!     .with_rejection_response(|_: &_| {
//!         let mut response = Response::new(String::from("later"));
//!         *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
//!         response
//!     });
//! let service = layer.layer(route);
//!
//! let response = service.clone().oneshot(from("192.0.2.2:4711".parse()?)).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! let response = service.oneshot(from("192.0.2.1:4711".parse()?)).await?;
//! assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(response.headers()["retry-after"], "60");
//! # Ok(())
//! # }
//! ```
//!
//! # Deployment caveat
//!
//! Behind a proxy, the peer of the connection is the proxy, and all callers
//! would share one quota: tell [`RateLimitLayer::with_client_ip`] which
//! proxies to trust.
//!
//! # What this does not do
//!
//! * A caller that is over its failures is refused whatever it sends. Honest
//!   and hostile senders behind one address share its quota.
//! * Requests that are in flight at the same time are judged apart: a caller
//!   can have as many failures at once as it has requests under way, and is
//!   refused after that. Bound concurrency in front.
//! * A caller that closes the connection before the verdict is not charged:
//!   an honest sender that lost patience looks the same.

mod buckets;
mod caller;
mod future;
mod key;
mod layer;
mod limiter;
mod limits;
mod memory;
mod quota;
#[cfg(feature = "redis")]
mod redis;
mod service;
#[cfg(test)]
mod tests;

#[cfg(feature = "redis")]
pub use self::redis::RedisRateLimiter;
pub use self::{
    future::ResponseFuture,
    key::RateKey,
    layer::{PerCaller, PerDelivery, RateLimitLayer},
    limiter::{Allowance, LimiterError, LimiterFuture, RateLimiter},
    memory::MemoryRateLimiter,
    quota::Quota,
    service::RateLimit,
};
