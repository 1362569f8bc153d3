//! Secrets and keys that are known only once a request is there.
//!
//! A [`Verifier`](crate::Verifier) knows its secrets from the start. An [`AsyncVerifier`] asks
//! for them: a [`SecretSource`] for the secrets of the tenant that a request is
//! for, a `KeyResolver` (feature `public-key`) for the public key that a
//! request names, and a [`LiveVerifier`] is replaced while serving.
//!
//! Whatever is asked is asked late: a request whose headers show that it is
//! not genuine, or not fresh, costs no look-up.

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
