use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::HeaderName;
use http::request::Parts;

use super::KeyError;
use crate::delivery::Tenant;
use crate::secret::Secrets;
use crate::signature::{json_value, single_line};

/// What [`SecretSource::secrets`] returns.
pub type SecretFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<TenantSecrets>, KeyError>> + Send + 'a>>;

/// Finds the secrets of the tenant that a request is for.
///
/// The request is not verified yet: an implementation looks a tenant up by it,
/// and believes nothing else of it.
pub trait SecretSource: fmt::Debug + Send + Sync {
    /// The tenant that `request` is for, with its secrets; `None` if there is
    /// no such tenant.
    fn secrets<'a>(&'a self, request: SecretRequest<'a>) -> SecretFuture<'a>;
}

/// A tenant and its secrets.
#[derive(Clone, Debug)]
pub struct TenantSecrets {
    tenant: Tenant,
    secrets: Secrets,
}

impl TenantSecrets {
    /// The secrets of `tenant`. Deduplication and the limit per tenant keep
    /// tenants apart by their name.
    #[must_use]
    pub fn new(tenant: Tenant, secrets: impl Into<Secrets>) -> Self {
        Self {
            tenant,
            secrets: secrets.into(),
        }
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Its secrets.
    #[must_use]
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }
}

/// A request that is not verified yet, by which a tenant is looked up.
#[derive(Clone, Copy, Debug)]
pub struct SecretRequest<'a> {
    parts: &'a Parts,
    body: &'a [u8],
}

impl<'a> SecretRequest<'a> {
    pub(super) const fn new(parts: &'a Parts, body: &'a [u8]) -> Self {
        Self { parts, body }
    }

    /// The request without its body; its extensions hold what layers outside
    /// put there.
    #[must_use]
    pub const fn parts(&self) -> &'a Parts {
        self.parts
    }

    /// The body, exactly as it was sent.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The segment of the path at `index`, counted from 0, without
    /// percent-decoding: `tenant` of `/hooks/tenant` is at 1.
    #[must_use]
    pub fn path_segment(&self, index: usize) -> Option<&'a str> {
        let path = crate::signature::original_uri(self.parts).path();
        path.strip_prefix('/')?.split('/').nth(index)
    }

    /// The value of the header `name`; `None` if it is missing, came more than
    /// once, or is not visible ASCII.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&'a str> {
        single_line(&self.parts.headers, name).ok()??.to_str().ok()
    }

    /// The string or integer at `pointer` (RFC 6901) in the JSON body.
    #[must_use]
    pub fn body_value(&self, pointer: &str) -> Option<String> {
        json_value(self.body, pointer).ok().flatten()
    }
}
