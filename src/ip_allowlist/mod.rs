//! Refuses callers whose address is not on a list.
//!
//! Several providers publish the addresses that they send webhooks from. A
//! list of them keeps everybody else away before a body is read; it does not
//! replace the signature, because addresses change hands.
//!
//! [`IpAllowlistLayer`] answers 403 to callers that are not in an
//! [`IpAllowlist`], and to callers whose address cannot be established
//! ([`ClientIp::resolve`] has the rules). The list can be replaced while the
//! service runs.
//!
//! [`ClientIp::resolve`]: crate::client_ip::ClientIp::resolve
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_webhook::client_ip::PeerAddr;
//! use tower_webhook::ip_allowlist::{IpAllowlist, IpAllowlistLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let allowlist = IpAllowlist::new(["192.30.252.0/22", "2606:50c0::/32"])?;
//! let service = ServiceBuilder::new()
//!     .layer(IpAllowlistLayer::new(allowlist.clone()))
//!     .service(service_fn(async |_: Request<String>| {
//!         Ok::<_, Infallible>(Response::new(String::from("processed")))
//!     }));
//!
//! let from = |peer: &str| {
//!     Ok::<_, Box<dyn std::error::Error>>(Request::post("/hooks")
//!         .extension(PeerAddr::new(peer.parse()?))
//!         .body(String::new())?)
//! };
//! let response = service.clone().oneshot(from("192.30.252.1:443")?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! let response = service.clone().oneshot(from("192.0.2.66:443")?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//!
//! // The provider has published a new list.
//! allowlist.replace(["192.0.2.64/29"])?;
//! let response = service.oneshot(from("192.0.2.66:443")?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```
//!
//! Behind a proxy, say which one, or every caller has the proxy's address:
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response, StatusCode};
//! # use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
//! # use tower_webhook::ip_allowlist::{IpAllowlist, IpAllowlistLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client_ip = ClientIp::behind(TrustedProxies::x_forwarded_for(["10.0.0.0/8"])?);
//! let allowlist = IpAllowlist::new(["192.30.252.0/22"])?;
//! let service = ServiceBuilder::new()
//!     .layer(IpAllowlistLayer::new(allowlist).with_client_ip(client_ip))
//!     .service(service_fn(async |_: Request<String>| {
//!         Ok::<_, Infallible>(Response::new(String::from("processed")))
//!     }));
//!
//! let for_ = |addresses: &str| {
//!     Ok::<_, Box<dyn std::error::Error>>(Request::post("/hooks")
//!         .extension(PeerAddr::new("10.0.0.1:443".parse()?))
//!         .header("x-forwarded-for", addresses)
//!         .body(String::new())?)
//! };
//! let response = service.clone().oneshot(for_("192.30.252.1")?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! // The left one is forged, the right one is what the proxy saw.
//! let response = service.oneshot(for_("192.30.252.1, 192.0.2.66")?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```
//!
//! # Published lists
//!
//! [`published`] reads the documents in which providers list their addresses,
//! and keeps an allowlist as they say.

mod allowlist;
mod layer;
pub mod published;
mod service;

#[cfg(test)]
mod tests;

pub use self::{allowlist::IpAllowlist, layer::IpAllowlistLayer, service::IpAllowlistService};
pub use crate::early::ResponseFuture;
