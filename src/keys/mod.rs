//! Secrets and keys that are known only once a request is there.
//!
//! A [`Verifier`](crate::Verifier) knows its secrets from the start. An [`AsyncVerifier`] asks
//! for them: a [`SecretSource`] for the secrets of the tenant that a request is
//! for, a `KeyResolver` (feature `public-key`) for the public key that a
//! request names, and a [`LiveVerifier`] is replaced while serving.
//!
//! Whatever is asked is asked late: a request whose headers show that it is
//! not genuine, or not fresh, costs no look-up.

mod live;
#[cfg(feature = "public-key")]
mod resolver;
mod secrets;
mod verifier;

pub use self::live::LiveVerifier;
#[cfg(feature = "public-key")]
pub use self::resolver::{KeyFuture, KeyResolver};
pub use self::secrets::{SecretFuture, SecretRequest, SecretSource, TenantSecrets};
pub use self::verifier::AsyncVerifier;

use std::fmt;

/// A source of secrets or keys that does not answer, or whose answer cannot be
/// used. The request is refused with 503, so that its sender comes again.
#[derive(Debug)]
pub struct KeyError(Box<dyn std::error::Error + Send + Sync>);

impl KeyError {
    /// An error, for the operator's log. It must not hold a secret.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
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
