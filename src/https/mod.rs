//! Refuses requests that are not known to have come over HTTPS.
//!
//! A webhook carries data and a signature that anyone on the way can read and
//! replay. [`RequireHttpsLayer`] answers 403 unless the request is proved to
//! have come over HTTPS: by [`TlsConnection`] in its extensions, or by the
//! word of a proxy that you trust ([`ClientIp::is_https`] has the rules).
//! What the sender itself says, as in the request's URI, proves nothing.
//!
//! There is no redirect: by the time it is answered, the request has already
//! been sent in the clear, and a sender that follows it would go on doing so.
//!
//! [`ClientIp::is_https`]: crate::client_ip::ClientIp::is_https
//! [`TlsConnection`]: crate::client_ip::TlsConnection
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_webhook::client_ip::TlsConnection;
//! use tower_webhook::https::RequireHttpsLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(RequireHttpsLayer::new())
//!     .service(service_fn(async |_: Request<String>| {
//!         Ok::<_, Infallible>(Response::new(String::from("processed")))
//!     }));
//!
//! // The code that accepts TLS connections marks their requests.
//! let request = Request::post("/hooks")
//!     .extension(TlsConnection::new())
//!     .body(String::new())?;
//! let response = service.clone().oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! // Nothing proves that this one came over HTTPS.
//! let request = Request::post("https://example.com/hooks").body(String::new())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```
//!
//! Behind a proxy that ends TLS:
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response, StatusCode};
//! # use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
//! use tower_webhook::https::RequireHttpsLayer;
//! use tower_webhook::rejection::ProblemDetails;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client_ip = ClientIp::behind(TrustedProxies::x_forwarded_for(["10.0.0.0/8"])?);
//! let service = ServiceBuilder::new()
//!     .layer(
//!         RequireHttpsLayer::new()
//!             .with_client_ip(client_ip)
//!             .with_rejection_response(ProblemDetails::default()),
//!     )
//!     .service(service_fn(async |_: Request<String>| {
//!         Ok::<_, Infallible>(Response::new(String::from("processed")))
//!     }));
//!
//! let from = |peer: &str| {
//!     Ok::<_, Box<dyn std::error::Error>>(Request::post("/hooks")
//!         .extension(PeerAddr::new(peer.parse()?))
//!         .header("x-forwarded-proto", "https")
//!         .body(String::new())?)
//! };
//! let response = service.clone().oneshot(from("10.0.0.1:443")?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! // Not one of the proxies: it could be lying.
//! let response = service.oneshot(from("192.0.2.66:443")?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

#[cfg(test)]
mod tests;

pub use self::{layer::RequireHttpsLayer, service::RequireHttps};
pub use crate::early::ResponseFuture;
