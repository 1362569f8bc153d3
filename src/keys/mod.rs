//! Secrets and keys that are known only once a request is there.
//!
//! A [`Verifier`](crate::Verifier) knows its secrets from the start. An
//! [`AsyncVerifier`] asks for them: a [`SecretSource`] for the secrets of the
//! tenant that a request is for, a `KeyResolver` (feature `public-key`) for the
//! public key that a request names; and a [`LiveVerifier`] is replaced while
//! serving. [`MemorySecrets`], `MemoryKeys`, `CachedKeys` and, with feature
//! `fetch`, `JwkSetKeys`, `PlaidKeys` and `CertificateKeys` are such sources.
//!
//! ```
//! use std::sync::Arc;
//! use tower_webhook::keys::{AsyncVerifier, MemorySecrets};
//! use tower_webhook::{RejectionKind, Timestamp, provider};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `/hooks/acme` and `/hooks/initech`, each with a secret of its own:
//! let tenants = MemorySecrets::by_path_segment(&provider::github(), 1)?;
//! tenants.insert("acme", "It's a Secret to Everybody")?;
//! tenants.insert("initech", "another secret")?;
//! let verifier = AsyncVerifier::with_secrets(provider::github(), Arc::new(tenants))?;
//!
//! let verdict = async |path: &str| {
//!     let (parts, ()) = http::Request::post(path)
//!         .header(
//!             "x-hub-signature-256",
//!             "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
//!         )
//!         .body(())
//!         .unwrap()
//!         .into_parts();
//!     let now = Timestamp::from_unix_seconds(1_700_000_000);
//!     verifier.verify(&parts, "Hello, World!".into(), now).await
//! };
//! assert!(verdict("/hooks/acme").await.is_ok());
//! let refused = verdict("/hooks/initech").await.unwrap_err();
//! assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
//! let refused = verdict("/hooks/nobody").await.unwrap_err();
//! assert_eq!(refused.kind(), RejectionKind::UnknownTenant);
//! # Ok(())
//! # }
//! ```
//!
//! # What is asked, and when
//!
//! Whatever is asked is asked late: a request whose headers show that it is
//! not genuine, or not fresh, costs no look-up. A source that fails, takes
//! longer than 5 seconds, or gives a secret that cannot be used makes the
//! request be refused with 503 and `Retry-After`; the reason is in the log.
//!
//! # Unknown tenants
//!
//! A request for nobody is verified with a secret that nobody has, and refused
//! as any other forgery is, so that neither the answer nor its time tells which
//! tenants there are.
//!
//! Each such request asks the source once more, and nothing of the answer is
//! remembered: only the source knows what it read from the request, and a
//! tenant that was just added must not be refused. A flood is bounded where
//! every flood of forgeries is, by the limit per caller
//! ([`WebhookLayer::with_caller_limit`](crate::WebhookLayer::with_caller_limit)),
//! which unknown tenants count against. A source in front of a database should
//! remember what it found, and for a short while what it did not find.

#[cfg(feature = "public-key")]
mod cached;
#[cfg(feature = "fetch")]
mod fetch;
mod live;
#[cfg(feature = "public-key")]
mod memory_keys;
mod memory_secrets;
#[cfg(feature = "public-key")]
mod resolver;
mod secrets;
#[cfg(feature = "public-key")]
mod slot;
mod verifier;

#[cfg(all(feature = "fetch", feature = "certificate"))]
pub use self::fetch::CertificateKeys;
#[cfg(feature = "fetch")]
pub use self::fetch::{JwkSetKeys, KeyFetcher, PlaidKeys};
pub use self::live::LiveVerifier;
pub use self::memory_secrets::MemorySecrets;
pub use self::secrets::{SecretFuture, SecretRequest, SecretSource, TenantSecrets};
pub use self::verifier::AsyncVerifier;
#[cfg(feature = "public-key")]
pub use self::{
    cached::CachedKeys,
    memory_keys::MemoryKeys,
    resolver::{KeyFuture, KeyResolver},
};

use std::fmt;
use std::sync::Arc;

/// A source of secrets or keys that does not answer, or whose answer cannot be
/// used. The request is refused with 503, so that its sender comes again.
#[derive(Clone, Debug)]
pub struct KeyError(Arc<dyn std::error::Error + Send + Sync>);

impl KeyError {
    /// An error, for the operator's log. It must not hold a secret.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the source of secrets or keys failed: {}", self.0)
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
