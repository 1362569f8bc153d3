use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::KeyFetcher;
use crate::ConfigError;
use crate::keys::{CachedKeys, KeyError, KeyFuture, KeyResolver};
use crate::signature::{KeyName, PublicKey};

/// The keys of certificates whose URL a request names, as Amazon SNS and PayPal
/// do, remembered as [`CachedKeys`] does.
///
/// A URL is the sender's choice: one that the [`KeyFetcher`] does not
/// [allow](KeyFetcher::allows) is nobody's key, and nothing is fetched. An
/// answer of 200 must be a certificate in PEM, with its chain behind it; any
/// other than a server's own failure (5xx, 408, 429) means that there is none.
/// Whose a certificate is, and whether it holds, is judged by the scheme's
/// protocol.
///
/// ```
/// use std::sync::Arc;
/// use tower_webhook::keys::{CertificateKeys, KeyFetcher};
///
/// let fetcher = KeyFetcher::new(["sns.eu-west-1.amazonaws.com"])?;
/// let keys = Arc::new(CertificateKeys::new(fetcher));
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CertificateKeys {
    fetcher: KeyFetcher,
    cached: CachedKeys,
}

impl CertificateKeys {
    /// Fetches certificates with `fetcher`.
    #[must_use]
    pub fn new(fetcher: KeyFetcher) -> Self {
        let fetched = Fetched(fetcher.clone());
        Self {
            fetcher,
            cached: CachedKeys::new(Arc::new(fetched)),
        }
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

impl KeyResolver for CertificateKeys {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(async move {
            // In front of what is remembered: other URLs take no place there.
            match name {
                KeyName::Url(url) if self.fetcher.allows(url) => self.cached.resolve(name).await,
                _ => Ok(None),
            }
        })
    }
}

struct Fetched(KeyFetcher);

impl Fetched {
    async fn key(&self, url: &str) -> Result<Option<PublicKey>, KeyError> {
        let Some(url) = self.0.check(url) else {
            return Ok(None);
        };
        let answer = self.0.get(&url).await?;
        match answer.status {
            StatusCode::OK => Ok(PublicKey::from_certificate_pem(&answer.body).ok()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(failed(&answer)),
            status if status.is_server_error() => Err(failed(&answer)),
            _ => Ok(None),
        }
    }
}

fn failed(answer: &super::client::Answer) -> KeyError {
    let status = answer.status.as_u16();
    KeyError::new(format!("the certificate was answered with {status}"))
}

impl KeyResolver for Fetched {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(async move {
            match name {
                KeyName::Url(url) => self.key(url).await,
                KeyName::Id(_) => Ok(None),
            }
        })
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fetched").field(&self.0).finish()
    }
}
