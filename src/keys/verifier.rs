use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;

#[cfg(feature = "public-key")]
use super::KeyResolver;
use super::{LiveVerifier, SecretRequest, SecretSource};
use crate::delivery::{Delivery, Tenant};
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Algorithm, MacKey, Scheme};
use crate::{ConfigError, Secret, Timestamp, Verifier, telemetry};

/// Verifies requests with secrets or keys that are looked up for each.
///
/// Cloning is cheap. See the [module docs](crate::keys).
#[derive(Clone)]
pub struct AsyncVerifier {
    /// Judges headers; where the keys are known, everything.
    verifier: Verifier,
    keys: Keys,
    timeout: Duration,
}

/// Where the keys come from.
#[derive(Clone)]
enum Keys {
    Known,
    Live(LiveVerifier),
    Tenant {
        source: Arc<dyn SecretSource>,
        /// Verifies the requests for nobody, so that they take as long as
        /// those for somebody.
        nobody: Verifier,
    },
    #[cfg(feature = "public-key")]
    Named(Arc<dyn KeyResolver>),
}

impl AsyncVerifier {
    const TIMEOUT: Duration = Duration::from_secs(5);

    /// Looks the secrets up for each request.
    ///
    /// # Errors
    ///
    /// If the scheme contradicts itself.
    pub fn with_secrets(
        scheme: Scheme,
        source: Arc<dyn SecretSource>,
    ) -> Result<Self, ConfigError> {
        let verifier = Verifier::without_keys(scheme)?;
        let nobody = verifier.with_secrets(&stand_in(verifier.scheme()).into())?;
        Ok(Self::new(verifier, Keys::Tenant { source, nobody }))
    }

    /// Looks up the key that each request names, for schemes whose
    /// [`Protocol`](crate::signature::Protocol) names one.
    ///
    /// # Errors
    ///
    /// If the scheme contradicts itself.
    #[cfg(feature = "public-key")]
    pub fn with_keys(scheme: Scheme, resolver: Arc<dyn KeyResolver>) -> Result<Self, ConfigError> {
        Ok(Self::new(
            Verifier::without_keys(scheme)?,
            Keys::Named(resolver),
        ))
    }

    const fn new(verifier: Verifier, keys: Keys) -> Self {
        Self {
            verifier,
            keys,
            timeout: Self::TIMEOUT,
        }
    }

    /// How long a look-up may take; one that takes longer counts as failed, and
    /// the request is refused with 503. The default is 5 seconds.
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::Zero {
                setting: "timeout of a look-up",
            });
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// The scheme that requests are verified against.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        self.verifier.scheme()
    }

    /// Verifies a request with its whole body. Needs a tokio runtime with time,
    /// for the deadline of the look-up.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the request is not genuine or not fresh, or its
    /// secret or key could not be looked up.
    pub async fn verify(
        &self,
        parts: &Parts,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Delivery, Rejection> {
        // What the headers alone show costs no look-up.
        self.current().begin(parts, now)?;
        self.verify_received(parts, body, now)
            .await
            .map(|(delivery, _)| delivery)
    }

    /// The verifier, if it is the same for all requests.
    pub(crate) const fn known(&self) -> Option<&Verifier> {
        match self.keys {
            Keys::Known => Some(&self.verifier),
            _ => None,
        }
    }

    /// Judges headers, whatever the keys are.
    pub(crate) const fn headers(&self) -> &Verifier {
        &self.verifier
    }

    /// The verifier that judges the headers, and says whether the body can be
    /// hashed on the way.
    pub(crate) fn current(&self) -> Verifier {
        match &self.keys {
            Keys::Live(live) => live.current(),
            _ => self.verifier.clone(),
        }
    }

    /// Whether a look-up is needed once the body is there.
    pub(crate) const fn asks(&self) -> bool {
        match &self.keys {
            Keys::Known | Keys::Live(_) => false,
            Keys::Tenant { .. } => true,
            #[cfg(feature = "public-key")]
            Keys::Named(_) => true,
        }
    }

    /// The verdict on a request whose headers passed, and the tenant that was
    /// found.
    pub(crate) async fn verify_received(
        &self,
        parts: &Parts,
        body: Bytes,
        now: Timestamp,
    ) -> Result<(Delivery, Option<Tenant>), Rejection> {
        let (verifier, tenant) = match &self.keys {
            Keys::Known | Keys::Live(_) => (self.current(), None),
            Keys::Tenant { source, nobody } => {
                match self
                    .look_up(source.secrets(SecretRequest::new(parts, &body)))
                    .await?
                {
                    Some(found) => {
                        let verifier = self
                            .verifier
                            .with_secrets(found.secrets())
                            .map_err(|error| self.unavailable(&error))?;
                        (verifier, Some(found.tenant().clone()))
                    }
                    None => {
                        // The result does not count: the secret is nobody's.
                        let _ = nobody.verify_owned(parts, body, now);
                        return Err(self.refuse(RejectionKind::UnknownTenant));
                    }
                }
            }
            #[cfg(feature = "public-key")]
            Keys::Named(resolver) => {
                let verifier = self.named(resolver, parts, &body, now).await?;
                (verifier, None)
            }
        };
        let delivery = verifier
            .verify_owned(parts, body, now)
            .map(Delivery::from)?;
        Ok((delivery, tenant))
    }

    /// The first active secret of whoever the request is for, to answer a
    /// challenge with.
    pub(crate) async fn mac_key(&self, parts: &Parts, now: Timestamp) -> Result<MacKey, Rejection> {
        let verifier = match &self.keys {
            Keys::Known | Keys::Live(_) => self.current(),
            Keys::Tenant { source, .. } => {
                let request = SecretRequest::new(parts, &[]);
                let Some(found) = self.look_up(source.secrets(request)).await? else {
                    return Err(self.refuse(RejectionKind::UnknownTenant));
                };
                self.verifier
                    .with_secrets(found.secrets())
                    .map_err(|error| self.unavailable(&error))?
            }
            #[cfg(feature = "public-key")]
            Keys::Named(_) => return Err(self.refuse(RejectionKind::UnknownKey)),
        };
        let key = verifier.mac_key(now);
        key.ok_or_else(|| self.refuse(RejectionKind::NoActiveSecret))
    }

    #[cfg(feature = "public-key")]
    async fn named(
        &self,
        resolver: &Arc<dyn KeyResolver>,
        parts: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verifier, Rejection> {
        let Some(name) = self.verifier.wanted_key(parts, body, now)? else {
            return Err(self.refuse(RejectionKind::UnknownKey));
        };
        let Some(key) = self.look_up(resolver.resolve(&name)).await? else {
            return Err(self.refuse(RejectionKind::UnknownKey));
        };
        if let Some(protocol) = self.scheme().protocol() {
            protocol
                .accept_key(&key, now)
                .map_err(|rejection| self.verifier.decorate(rejection))?;
        }
        Ok(self.verifier.with_public_key(key))
    }

    async fn look_up<T>(
        &self,
        answer: impl Future<Output = Result<T, super::KeyError>>,
    ) -> Result<T, Rejection> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(self.unavailable(&error)),
            Err(elapsed) => Err(self.unavailable(&elapsed)),
        }
    }

    fn unavailable(&self, error: &dyn std::error::Error) -> Rejection {
        telemetry::key_unavailable(self.scheme().name(), error);
        self.refuse(RejectionKind::KeyUnavailable)
            .with_retry_after(self.timeout)
    }

    fn refuse(&self, kind: RejectionKind) -> Rejection {
        self.verifier.decorate(Rejection::new(kind))
    }
}

/// A secret that nobody has, in the form that the scheme takes.
fn stand_in(scheme: &Scheme) -> Secret {
    #[cfg(feature = "public-key")]
    if let Algorithm::PublicKey(algorithm) = scheme.algorithm() {
        return Secret::from_bytes(algorithm.stand_in());
    }
    let _: Algorithm = scheme.algorithm();
    let random = (0..4_u64).flat_map(|part| RandomState::new().hash_one(part).to_ne_bytes());
    Secret::from_bytes(random.chain([1]).collect::<Vec<u8>>())
}

impl From<Verifier> for AsyncVerifier {
    fn from(verifier: Verifier) -> Self {
        Self::new(verifier, Keys::Known)
    }
}

impl From<LiveVerifier> for AsyncVerifier {
    fn from(live: LiveVerifier) -> Self {
        Self::new(live.current(), Keys::Live(live))
    }
}

impl fmt::Debug for AsyncVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AsyncVerifier");
        shown.field("scheme", &self.scheme().name());
        match &self.keys {
            Keys::Known => {}
            Keys::Live(live) => {
                shown.field("live", live);
            }
            Keys::Tenant { source, .. } => {
                shown.field("source", source);
            }
            #[cfg(feature = "public-key")]
            Keys::Named(resolver) => {
                shown.field("resolver", resolver);
            }
        }
        shown.finish_non_exhaustive()
    }
}
