//! All layers, in order.
//!
//! [`WebhookLayer`] puts the layers of this crate around a handler in the one
//! order that is right (see the [crate docs](crate#the-way-of-a-request)) with
//! safe defaults: signature and freshness, limits on the body, and each event
//! once, remembered in this process. What needs to know your deployment is
//! added with the `with_*` methods.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_webhook::{VerifiedBody, Verifier, WebhookLayer, provider};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::new(provider::gitlab_token(), "token")?;
//! let service = WebhookLayer::new(verifier).layer(service_fn(
//!     async |_: Request<VerifiedBody>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())),
//! ));
//!
//! let request = |token: &str| {
//!     Request::post("/gitlab")
//!         .header("x-gitlab-token", token)
//!         .header("idempotency-key", "b5e1cbb0")
//!         .body(Full::new(Bytes::from("{}")))
//!         .unwrap()
//! };
//! let first = service.clone().oneshot(request("token")).await?;
//! assert_eq!(first.status(), StatusCode::OK);
//!
//! // The same event again is acknowledged, and the handler not called:
//! let second = service.clone().oneshot(request("token")).await?;
//! assert_eq!(second.status(), StatusCode::OK);
//! assert!(second.extensions().get::<tower_webhook::dedup::Duplicate>().is_some());
//!
//! let forged = service.oneshot(request("guessed")).await?;
//! assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! A function of your own can name it: `fn guard() -> WebhookLayer`.
//!
//! # Several routes
//!
//! Each [`WebhookLayer::new`] has a memory of its own, for up to a million
//! events. To share one, and to wait for the handlers of all routes in one
//! place, give all of them clones of one
//! [`DedupLayer`](crate::dedup::DedupLayer) with
//! [`with_dedup`](WebhookLayer::with_dedup): events of different providers do
//! not meet in it. Two routes of the same provider need
//! [`with_endpoint`](WebhookLayer::with_endpoint) to be told apart.

mod future;
mod layer;
mod service;

pub use self::{future::ResponseFuture, layer::WebhookLayer, service::Webhook};

#[cfg(test)]
mod tests;
