use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use http::HeaderName;

use super::{SecretFuture, SecretRequest, SecretSource, TenantSecrets};
use crate::delivery::Tenant;
use crate::secret::Secrets;
use crate::signature::Scheme;
use crate::{ConfigError, Verifier};

/// The secrets of all tenants, in memory. They can be changed while serving.
///
/// What is inserted is checked against the scheme at once, so that a secret
/// that was pasted wrong is found by whoever pasted it.
///
/// ```
/// use std::sync::Arc;
/// use tower_webhook::keys::{AsyncVerifier, MemorySecrets};
/// use tower_webhook::{WebhookLayer, provider};
///
/// // `acme` of `/hooks/acme`:
/// let tenants = Arc::new(MemorySecrets::by_path_segment(&provider::stripe(), 1)?);
/// tenants.insert("acme", "whsec_9f8e7d")?;
/// assert!(tenants.insert("initech", "").is_err());
///
/// let verifier = AsyncVerifier::with_secrets(provider::stripe(), tenants.clone())?;
/// let layer = WebhookLayer::new(verifier);
///
/// // Later, while serving; both secrets hold during the rotation:
/// tenants.insert("acme", ["whsec_9f8e7d", "whsec_0a1b2c"])?;
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
pub struct MemorySecrets {
    selector: Selector,
    /// Only to check secrets with.
    scheme: Verifier,
    tenants: RwLock<HashMap<Arc<str>, TenantSecrets>>,
}

/// Where a request says whose it is.
#[derive(Debug)]
enum Selector {
    PathSegment(usize),
    Header(HeaderName),
    BodyValue(String),
}

impl MemorySecrets {
    /// Tenants by the segment of the path at `index`, counted from 0; see
    /// [`SecretRequest::path_segment`].
    ///
    /// # Errors
    ///
    /// If `scheme` contradicts itself.
    pub fn by_path_segment(scheme: &Scheme, index: usize) -> Result<Self, ConfigError> {
        Self::new(scheme, Selector::PathSegment(index))
    }

    /// Tenants by the value of the header `name`; see
    /// [`SecretRequest::header`].
    ///
    /// # Errors
    ///
    /// If `name` is no header name, or `scheme` contradicts itself.
    pub fn by_header(scheme: &Scheme, name: &str) -> Result<Self, ConfigError> {
        let name = HeaderName::try_from(name).map_err(|_| ConfigError::InvalidHeaderName {
            name: name.to_owned(),
        })?;
        Self::new(scheme, Selector::Header(name))
    }

    /// Tenants by the string or integer at `pointer` (RFC 6901) in the JSON
    /// body; see [`SecretRequest::body_value`].
    ///
    /// # Errors
    ///
    /// If `pointer` does not start with a slash, or `scheme` contradicts
    /// itself.
    pub fn by_body_value(scheme: &Scheme, pointer: impl Into<String>) -> Result<Self, ConfigError> {
        let pointer = pointer.into();
        if !pointer.starts_with('/') {
            return Err(ConfigError::InvalidScheme {
                scheme: scheme.name().to_owned(),
                reason: "the JSON pointer to its tenant does not start with a slash".into(),
            });
        }
        Self::new(scheme, Selector::BodyValue(pointer))
    }

    fn new(scheme: &Scheme, selector: Selector) -> Result<Self, ConfigError> {
        Ok(Self {
            selector,
            scheme: Verifier::without_keys(scheme.clone())?,
            tenants: RwLock::default(),
        })
    }

    /// Adds `tenant`, or replaces its secrets, from the next request on.
    ///
    /// # Errors
    ///
    /// If a verifier could not be built with these secrets; what was there
    /// stays. See [`Verifier::new`].
    pub fn insert(
        &self,
        tenant: impl Into<Arc<str>>,
        secrets: impl Into<Secrets>,
    ) -> Result<(), ConfigError> {
        let (tenant, secrets) = (tenant.into(), secrets.into());
        self.scheme.with_secrets(&secrets)?;
        let entry = TenantSecrets::new(Tenant::new(Arc::clone(&tenant)), secrets);
        // Dropped behind the lock: overwriting secrets takes a moment.
        let _old = self.write().insert(tenant, entry);
        Ok(())
    }

    /// Forgets `tenant`: its requests are refused from the next one on.
    /// Returns whether it was there.
    pub fn remove(&self, tenant: &str) -> bool {
        let old = self.write().remove(tenant);
        old.is_some()
    }

    /// How many tenants there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is no tenant, so that every request is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    fn find(&self, request: SecretRequest<'_>) -> Option<TenantSecrets> {
        let from_body;
        let name = match &self.selector {
            Selector::PathSegment(index) => request.path_segment(*index)?,
            Selector::Header(name) => request.header(name)?,
            Selector::BodyValue(pointer) => {
                from_body = request.body_value(pointer)?;
                &from_body
            }
        };
        self.read().get(name).cloned()
    }

    // A panic cannot leave the map half written: it is written by one call.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Arc<str>, TenantSecrets>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Arc<str>, TenantSecrets>> {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretSource for MemorySecrets {
    fn secrets<'a>(&'a self, request: SecretRequest<'a>) -> SecretFuture<'a> {
        Box::pin(ready(Ok(self.find(request))))
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySecrets")
            .field("scheme", &self.scheme.scheme().name())
            .field("selector", &self.selector)
            .field("tenants", &self.len())
            .finish_non_exhaustive()
    }
}
