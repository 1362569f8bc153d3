use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, Uri};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::KeyFetcher;
use crate::ConfigError;
use crate::keys::{CachedKeys, KeyError, KeyFuture, KeyResolver};
use crate::signature::{KeyName, PublicKey, jwk_of_object, object};

/// Plaid's keys: each is fetched by its `kid` with your credentials, and
/// remembered as [`CachedKeys`] does.
///
/// A `kid` is what anybody writes into a token; at most 60 a minute reach
/// Plaid. See
/// <https://plaid.com/docs/api/webhooks/webhook-verification/>.
///
/// ```
/// use std::sync::Arc;
/// use tower_webhook::keys::{AsyncVerifier, PlaidKeys};
/// # #[cfg(feature = "jwt")] {
/// use tower_webhook::{WebhookLayer, provider};
///
/// let keys = PlaidKeys::production("client-id", "secret")?;
/// let verifier = AsyncVerifier::with_keys(provider::plaid(), Arc::new(keys))?;
/// let layer = WebhookLayer::new(verifier);
/// # }
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlaidKeys {
    cached: CachedKeys,
}

impl PlaidKeys {
    /// The keys of Plaid's production.
    ///
    /// # Errors
    ///
    /// If a credential is empty, or TLS cannot be set up.
    pub fn production(
        client_id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        const HOST: &str = "production.plaid.com";
        Self::with_fetcher(HOST, client_id, secret, KeyFetcher::new([HOST])?)
    }

    /// The keys of Plaid's sandbox.
    ///
    /// # Errors
    ///
    /// If a credential is empty, or TLS cannot be set up.
    pub fn sandbox(
        client_id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        const HOST: &str = "sandbox.plaid.com";
        Self::with_fetcher(HOST, client_id, secret, KeyFetcher::new([HOST])?)
    }

    /// The keys at `host`, which `fetcher` fetches.
    ///
    /// # Errors
    ///
    /// If a credential is empty, or `fetcher` does not fetch from `host`.
    pub fn with_fetcher(
        host: &str,
        client_id: impl Into<String>,
        secret: impl Into<String>,
        fetcher: KeyFetcher,
    ) -> Result<Self, ConfigError> {
        let (client_id, secret) = (client_id.into(), Zeroizing::new(secret.into()));
        for (name, text) in [("client_id", &client_id), ("secret", &*secret)] {
            if text.trim().is_empty() {
                return Err(ConfigError::EmptySecret {
                    secret: format!("{name:?} of Plaid"),
                });
            }
        }
        let url = format!("https://{host}/webhook_verification_key/get");
        let Some(checked) = fetcher.check(&url) else {
            return Err(ConfigError::InvalidKeySource {
                url,
                reason: "it is not a URL that may be fetched",
            });
        };
        let api = Api {
            fetcher,
            url: checked,
            client_id,
            secret,
        };
        Ok(Self {
            cached: CachedKeys::new(Arc::new(api)),
        })
    }

    /// Changes how keys are remembered.
    ///
    /// # Errors
    ///
    /// What `change` returns.
    pub fn with_cache(
        mut self,
        change: impl FnOnce(CachedKeys) -> Result<CachedKeys, ConfigError>,
    ) -> Result<Self, ConfigError> {
        self.cached = change(self.cached)?;
        Ok(self)
    }
}

impl KeyResolver for PlaidKeys {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        self.cached.resolve(name)
    }
}

struct Api {
    fetcher: KeyFetcher,
    url: Uri,
    client_id: String,
    secret: Zeroizing<String>,
}

impl Api {
    async fn key(&self, id: &str) -> Result<Option<PublicKey>, KeyError> {
        let request = json!({
            "client_id": self.client_id,
            "secret": *self.secret,
            "key_id": id,
        });
        let request = Bytes::from(request.to_string());
        let answer = self.fetcher.post_json(&self.url, request).await?;
        let unusable = || KeyError::new("Plaid's answer cannot be used");
        let body = object(&answer.body).ok_or_else(unusable)?;
        match answer.status {
            StatusCode::OK => {
                let jwk = body.get("key").and_then(Value::as_object);
                let jwk = jwk.ok_or_else(unusable)?;
                // One that is not the wanted one is nobody's mistake but Plaid's.
                if jwk.get("kid").is_some_and(|kid| kid != id) {
                    return Err(unusable());
                }
                jwk_of_object(jwk).map(Some).ok_or_else(unusable)
            }
            // Wrong credentials come with the same status.
            StatusCode::BAD_REQUEST
                if body
                    .get("error_code")
                    .is_some_and(|code| code == UNKNOWN_KEY) =>
            {
                Ok(None)
            }
            status => Err(KeyError::new(format!(
                "Plaid answered with {}",
                status.as_u16()
            ))),
        }
    }
}

/// Plaid's error code for a `key_id` that it does not know.
const UNKNOWN_KEY: &str = "INVALID_WEBHOOK_VERIFICATION_KEY_ID";

impl KeyResolver for Api {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(async move {
            match name {
                KeyName::Id(id) => self.key(id).await,
                KeyName::Url(_) => Ok(None),
            }
        })
    }
}

/// Without the credentials.
impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaidApi")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
