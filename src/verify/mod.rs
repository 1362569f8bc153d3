//! Verification of signatures and freshness.
//!
//! [`VerifyLayer`] turns a `Request<B>` into a `Request<VerifiedBody>`: it
//! judges the headers before it reads anything, hashes the body while it
//! arrives, and calls the inner service only with a request that proved to be
//! genuine and fresh.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_webhook::{Rejection, RejectionKind, VerifiedBody, Verifier, VerifyLayer, provider};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::new(provider::github(), "It's a Secret to Everybody")?;
//! let service = VerifyLayer::new(verifier).layer(service_fn(
//!     async |request: Request<VerifiedBody>| {
//!         Ok::<_, Infallible>(Response::new(Full::new(request.into_body().into_bytes())))
//!     },
//! ));
//!
//! let request = |body: &'static str| {
//!     Request::post("/github")
//!         .header(
//!             "x-hub-signature-256",
//!             "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
//!         )
//!         .body(Full::new(Bytes::from(body)))
//!         .unwrap()
//! };
//!
//! let accepted = service.clone().oneshot(request("Hello, World!")).await?;
//! assert_eq!(accepted.status(), StatusCode::OK);
//!
//! let refused = service.oneshot(request("Hello, Mallory!")).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! // The sender learns no more; layers outside find the reason:
//! let reason = refused.extensions().get::<Rejection>().unwrap();
//! assert_eq!(reason.kind(), RejectionKind::SignatureMismatch);
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! A body may be as large as the scheme says ([`Scheme::max_body`]), must
//! arrive within 10 seconds, and at most 1024 bodies may be arriving slowly at
//! once; each limit has a `with_*` method. A body that is there when it is
//! asked for counts against none but the size.
//!
//! # Deployment caveats
//!
//! - Anything in front that changes the body breaks the signature: no
//!   decompression, no re-serialisation, no re-encoding.
//! - The inner service is made ready inside the response future, after
//!   verification, so that an unverified body never holds its capacity. A
//!   `LoadShed` must therefore sit inside this layer.
//! - In one `ServiceBuilder`, `axum::middleware::from_fn` behind this layer
//!   needs `tower_http::map_request_body::MapRequestBodyLayer::new(axum::body::Body::new)`
//!   in between, because it demands axum's own body.
//!
//! # In development
//!
//! A refusal that you do not expect is mostly a mistake of the receiver's: a body
//! that was parsed before, the secret of another endpoint.
//! [`VerifyLayer::with_explanations`] logs which; see [`explain`](crate::explain).
//!
//! # What this does not do
//!
//! It does not recognise replays within the tolerance (that is
//! [`DedupLayer`](crate::dedup::DedupLayer)), and schemes without a timestamp
//! ([`Scheme::timestamp`]) have no other bound on them.
//!
//! [`Scheme::max_body`]: crate::signature::Scheme::max_body
//! [`Scheme::timestamp`]: crate::signature::Scheme::timestamp

mod future;
mod layer;
mod receive;
mod service;

pub use self::{future::ResponseFuture, layer::VerifyLayer, service::Verify};
pub(crate) use self::{
    layer::Limits,
    receive::{announced_too_large, receive},
};

#[cfg(test)]
mod tests;
