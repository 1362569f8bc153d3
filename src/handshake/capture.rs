use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::HandshakeError;
use crate::Secret;
use crate::delivery::Tenant;

/// What [`SecretCapture::capture`] returns.
pub type CaptureFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Captured, HandshakeError>> + Send + 'a>>;

/// Takes the secret that a provider sends when a webhook is created, as
/// Asana and Notion do.
///
/// Nothing about such a request is proved: anybody can send one, at any time,
/// with a secret of their own. An implementation must take one only while it
/// knows that a webhook is being created for this path and tenant, and must
/// never let one replace a secret that is in use.
pub trait SecretCapture: fmt::Debug + Send + Sync {
    /// Takes `offer`, or refuses it. It is answered with success only once it
    /// was taken.
    fn capture<'a>(&'a self, offer: OfferedSecret<'a>) -> CaptureFuture<'a>;
}

/// Whether an offered secret was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Captured {
    /// It was waited for, and is kept.
    Accepted,
    /// Nobody waits for it. The request is refused.
    Refused,
}

/// A secret that somebody offers.
#[derive(Clone, Copy, Debug)]
pub struct OfferedSecret<'a> {
    pub(super) provider: &'a str,
    pub(super) path: &'a str,
    pub(super) tenant: Option<&'a Tenant>,
    pub(super) secret: &'a Secret,
}

impl<'a> OfferedSecret<'a> {
    /// The name of the scheme, such as `asana`.
    #[must_use]
    pub const fn provider(&self) -> &'a str {
        self.provider
    }

    /// The path of the request, as the server received it.
    #[must_use]
    pub const fn path(&self) -> &'a str {
        self.path
    }

    /// The tenant that layers outside put into the request's extensions.
    #[must_use]
    pub const fn tenant(&self) -> Option<&'a Tenant> {
        self.tenant
    }

    /// The secret, for a [`Verifier`](crate::Verifier) of the same scheme.
    #[must_use]
    pub const fn secret(&self) -> &'a Secret {
        self.secret
    }
}
