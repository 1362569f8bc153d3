use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{PoisonError, RwLock};

use super::{KeyFuture, KeyResolver};
use crate::signature::{KeyName, PublicKey, PublicKeyError};

/// Public keys by their names, in memory. They can be changed while serving.
///
/// ```
/// use tower_webhook::keys::MemoryKeys;
/// use tower_webhook::signature::{KeyName, PublicKey};
///
/// let keys = MemoryKeys::new();
/// let key = PublicKey::from_jwk(
///     br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// keys.insert(KeyName::Id("2026-11".into()), key);
/// assert!(keys.remove(&KeyName::Id("2026-11".into())));
/// # Ok::<(), tower_webhook::signature::PublicKeyError>(())
/// ```
#[derive(Default)]
pub struct MemoryKeys {
    keys: RwLock<HashMap<KeyName, PublicKey>>,
}

impl MemoryKeys {
    /// No keys yet: every request is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The keys of a JWK set (RFC 7517 section 5) by their `kid`. Keys that
    /// cannot verify signatures, or have no `kid`, are left out.
    ///
    /// # Errors
    ///
    /// If it is no JWK set, or no key is left.
    pub fn from_jwk_set(json: &[u8]) -> Result<Self, PublicKeyError> {
        let keys = crate::signature::jwk_set(json)?;
        let keys = keys.into_iter().map(|(id, key)| (KeyName::Id(id), key));
        Ok(Self {
            keys: RwLock::new(keys.collect()),
        })
    }

    /// Adds `key`, or replaces the one of that name, from the next request on.
    pub fn insert(&self, name: KeyName, key: PublicKey) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(name, key);
    }

    /// Forgets the key called `name`, from the next request on. Returns
    /// whether it was there.
    pub fn remove(&self, name: &KeyName) -> bool {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.remove(name).is_some()
    }

    fn get(&self, name: &KeyName) -> Option<PublicKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(name).cloned()
    }
}

impl KeyResolver for MemoryKeys {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(ready(Ok(self.get(name))))
    }
}

impl fmt::Debug for MemoryKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("MemoryKeys")
            .field("keys", &keys.len())
            .finish_non_exhaustive()
    }
}
