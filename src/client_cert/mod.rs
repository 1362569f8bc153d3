//! Refuses callers without a certain TLS client certificate (feature
//! `client-cert`).
//!
//! Some providers can show a certificate when they deliver: Meta does, and
//! DocuSign, and gateways in front of others. [`RequireClientCertLayer`]
//! answers 403 unless the caller's certificate satisfies [`ClientCertRules`]
//! and is within its period of validity. Like an allowlist, it keeps strangers
//! away before a body is read, and does not replace the signature, which
//! covers what is sent.
//!
//! The certificate is what the TLS acceptor of this process has verified and
//! put into the request's extensions as a [`ClientCertChain`]; the example
//! `mtls` shows a server that does.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_webhook::client_cert::{ClientCertChain, ClientCertRules, RequireClientCertLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let certificate = |name: &str| {
//! #     let key = rcgen::KeyPair::generate().unwrap();
//! #     let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
//! #     params.self_signed(&key).unwrap().der().clone()
//! # };
//! let rules = ClientCertRules::new().with_dns_names(["client.webhooks.example"])?;
//! let service = ServiceBuilder::new()
//!     .layer(RequireClientCertLayer::new(rules)?)
//!     .service(service_fn(async |_: Request<String>| {
//!         Ok::<_, Infallible>(Response::new(String::from("processed")))
//!     }));
//!
//! let shows = |name: &str| {
//!     Request::post("/hooks")
//!         .extension(ClientCertChain::new([certificate(name)]))
//!         .body(String::new())
//! };
//! let response = service.clone().oneshot(shows("client.webhooks.example")?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let response = service.clone().oneshot(shows("client.webhooks.test")?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! let response = service.oneshot(Request::post("/hooks").body(String::new())?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```
//!
//! # Behind a proxy
//!
//! A proxy that ends TLS passes the certificate on in `Client-Cert`, and what
//! came with it in `Client-Cert-Chain` (RFC 9440). The headers count if, and
//! only if, the peer is one of the proxies that you named: then they alone,
//! because a certificate of the connection is the proxy's own. From all other
//! peers they are ignored, and the connection alone counts. If the peer is
//! unknown, the request is refused.
//!
//! ```
//! use tower_webhook::client_cert::{ClientCertRules, RequireClientCertLayer};
//! use tower_webhook::client_ip::{ClientIp, TrustedProxies};
//!
//! # fn main() -> Result<(), tower_webhook::ConfigError> {
//! let proxies = ClientIp::behind(TrustedProxies::x_forwarded_for(["10.0.0.0/8"])?);
//! let rules = ClientCertRules::new().with_dns_names(["client.webhooks.example"])?;
//! let layer = RequireClientCertLayer::new(rules)?.with_forwarded_by(proxies);
//! # Ok(())
//! # }
//! ```
//!
//! # Deployment caveats
//!
//! - The proxy must remove `Client-Cert` and `Client-Cert-Chain` from what the
//!   caller sent. Many pass on headers that they do not know.
//! - Some proxies pass on certificates that they have not verified: Cloudflare
//!   fills its fields whatever the result was. Make the proxy check, or name
//!   the authority with
//!   [`with_issuer_certificates`](ClientCertRules::with_issuer_certificates).
//!   A header does not prove that the caller has the key; only the proxy can.
//! - Headers of other forms (`X-Forwarded-Client-Cert`, `X-SSL-Client-Cert`,
//!   `X-Amzn-Mtls-Clientcert`) are not read.
//! - Revocation is the TLS acceptor's to check.
//! - The period is judged with each request, because a connection can outlive
//!   its certificate.

mod chain;
mod field;
mod judge;
mod layer;
mod rules;
mod service;

#[cfg(test)]
mod tests;

pub(crate) use self::layer::Check;
pub use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};

pub use self::{
    chain::ClientCertChain, layer::RequireClientCertLayer, rules::ClientCertRules,
    service::RequireClientCert,
};
pub use crate::early::ResponseFuture;
