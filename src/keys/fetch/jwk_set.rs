use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, Uri};

use super::KeyFetcher;
use crate::ConfigError;
use crate::clock::{Clock, MonotonicClock};
use crate::keys::slot::{Slot, Terms, Wanted};
use crate::keys::{KeyError, KeyFuture, KeyResolver};
use crate::signature::{KeyName, PublicKey, jwk_set};

type Keys = Arc<HashMap<String, PublicKey>>;

/// The keys of a JWK set (RFC 7517) at a URL, by their `kid`.
///
/// The set is fetched at the first request, and again when it is an hour old.
/// When a request names a key that is not in it, it is fetched again at most
/// once a minute: unknown names, which anybody can send, cannot hammer the
/// provider. While fetching fails, the keys that are known serve for another
/// day, and a request with another key is answered with 503. After a failure
/// the provider is left alone for 10 seconds.
///
/// Needs a tokio runtime.
///
/// ```
/// use std::sync::Arc;
/// use tower_webhook::keys::{AsyncVerifier, JwkSetKeys};
/// # #[cfg(feature = "jwt")] {
/// use tower_webhook::{WebhookLayer, provider};
///
/// let scheme = provider::google_pubsub(
///     "https://example.com/pubsub",
///     "pusher@my-project.iam.gserviceaccount.com",
/// );
/// let verifier = AsyncVerifier::with_keys(scheme, Arc::new(JwkSetKeys::google()?))?;
/// let layer = WebhookLayer::new(verifier);
/// # }
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct JwkSetKeys {
    fetcher: KeyFetcher,
    url: Uri,
    slot: Arc<Slot<Keys>>,
    clock: Arc<dyn Clock>,
    ttl: Duration,
}

impl JwkSetKeys {
    /// The keys at `url`.
    ///
    /// # Errors
    ///
    /// If a [`KeyFetcher`] for the URL's own host would not fetch it.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        let host = url.parse::<Uri>().ok();
        let host = host.as_ref().and_then(Uri::host).unwrap_or(url);
        Self::with_fetcher(url, KeyFetcher::new([host])?)
    }

    /// The keys at `url`, which `fetcher` fetches.
    ///
    /// # Errors
    ///
    /// If `fetcher` does not [allow](KeyFetcher::allows) the URL.
    pub fn with_fetcher(url: &str, fetcher: KeyFetcher) -> Result<Self, ConfigError> {
        let Some(checked) = fetcher.check(url) else {
            return Err(ConfigError::InvalidKeySource {
                url: url.to_owned(),
                reason: "it is not a URL that may be fetched",
            });
        };
        Ok(Self {
            fetcher,
            url: checked,
            slot: Arc::new(Slot::new()),
            clock: Arc::new(MonotonicClock::new()),
            ttl: Duration::from_secs(60 * 60),
        })
    }

    /// Google's keys for identity tokens, as Pub/Sub sends them
    /// (<https://accounts.google.com/.well-known/openid-configuration>).
    ///
    /// # Errors
    ///
    /// If TLS cannot be set up.
    pub fn google() -> Result<Self, ConfigError> {
        Self::new("https://www.googleapis.com/oauth2/v3/certs")
    }

    /// Microsoft Entra's keys for the tokens of a directory, by its id
    /// (<https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-signature>).
    ///
    /// # Errors
    ///
    /// If `directory` is not the id of a directory, or TLS cannot be set up.
    pub fn microsoft_entra(directory: &str) -> Result<Self, ConfigError> {
        let is_id = directory
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !is_id || directory.len() != 36 {
            return Err(ConfigError::InvalidKeySource {
                url: directory.to_owned(),
                reason: "it is not the id of a directory, such as \
                         00000000-0000-0000-0000-000000000000",
            });
        }
        Self::new(&format!(
            "https://login.microsoftonline.com/{directory}/discovery/v2.0/keys"
        ))
    }

    /// For how long the set is used before it is fetched again (default: an
    /// hour).
    ///
    /// # Errors
    ///
    /// If `ttl` is zero.
    pub fn with_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        if ttl.is_zero() {
            return Err(ConfigError::Zero {
                setting: "ttl of a JWK set",
            });
        }
        self.ttl = ttl;
        Ok(self)
    }

    /// The clock that lifetimes are measured with; the monotonic one by
    /// default.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

/// What a request wants of the set.
struct Named<'n> {
    id: &'n str,
    ttl: Duration,
}

impl Wanted<Keys> for Named<'_> {
    fn terms(&self, _: &Keys) -> Terms {
        Terms {
            fresh: self.ttl,
            stale: Duration::from_secs(24 * 60 * 60),
            failure: self.failure(),
            again: Duration::from_secs(60),
        }
    }

    fn failure(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn is_in(&self, keys: &Keys) -> bool {
        keys.contains_key(self.id)
    }
}

impl KeyResolver for JwkSetKeys {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(async move {
            let KeyName::Id(id) = name else {
                return Ok(None);
            };
            let wanted = Named { id, ttl: self.ttl };
            let fetch = || {
                let (fetcher, url) = (self.fetcher.clone(), self.url.clone());
                async move { fetched(&fetcher, &url).await }
            };
            let keys = self.slot.get(&wanted, &self.clock, fetch).await?;
            Ok(keys.get(id).cloned())
        })
    }
}

async fn fetched(fetcher: &KeyFetcher, url: &Uri) -> Result<Keys, KeyError> {
    let answer = fetcher.get(url).await?;
    if answer.status != StatusCode::OK {
        let status = answer.status.as_u16();
        return Err(KeyError::new(format!(
            "the JWK set was answered with {status}"
        )));
    }
    let keys = jwk_set(&answer.body).map_err(KeyError::new)?;
    Ok(Arc::new(keys.into_iter().collect()))
}

impl fmt::Debug for JwkSetKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwkSetKeys")
            .field("url", &self.url)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
