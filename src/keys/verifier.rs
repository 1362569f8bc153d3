use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;

#[cfg(feature = "public-key")]
use super::KeyResolver;
use super::{LiveVerifier, SecretRequest, SecretSource, TenantSecrets};
use crate::delivery::{Delivery, Tenant};
use crate::explain::Explainer;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Algorithm, MacKey, Scheme};
use crate::{ConfigError, Secret, Secrets, Timestamp, Verifier, telemetry};

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
        /// What the requests for nobody are verified with, so that they take
        /// as long as those for somebody.
        nobody: Secrets,
    },
    #[cfg(feature = "public-key")]
    Named(Arc<dyn KeyResolver>),
}

/// Whose secrets a request is verified with.
enum Whose {
    /// The same for every request.
    Endpoint,
    Tenant(Tenant),
    /// There is no such tenant: the secrets are random, so that this takes as
    /// long as for one.
    Nobody,
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
        let nobody = Secrets::from(stand_in(verifier.scheme()));
        verifier.with_secrets(&nobody)?;
        Ok(Self::new(verifier, Keys::Tenant { source, nobody }))
    }

    /// Looks up the key that each request names, for schemes whose
    /// [`Protocol`](crate::signature::Protocol) names one.
    ///
    /// # Errors
    ///
    /// If the scheme contradicts itself, has no protocol, or takes no public
    /// keys.
    #[cfg(feature = "public-key")]
    pub fn with_keys(scheme: Scheme, resolver: Arc<dyn KeyResolver>) -> Result<Self, ConfigError> {
        let takes_keys = matches!(scheme.algorithm(), Algorithm::PublicKey(_));
        if scheme.protocol().is_none() || !takes_keys {
            return Err(ConfigError::InvalidScheme {
                scheme: scheme.name().to_owned(),
                reason: "its requests do not name a public key".into(),
            });
        }
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
        self.verify_received(parts, body, now, None)
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
    /// found. What is refused is explained, if it is to be.
    pub(crate) async fn verify_received(
        &self,
        parts: &Parts,
        body: Bytes,
        now: Timestamp,
        explainer: Option<&Explainer>,
    ) -> Result<(Delivery, Option<Tenant>), Rejection> {
        let kept = explainer.map(|explainer| (explainer, body.clone()));
        let explain = |verifier: &Verifier, rejection: &Rejection| {
            if let Some((explainer, body)) = &kept {
                explainer.log(verifier, parts, Some(body), now, rejection);
            }
        };
        let (verifier, whose) = self
            .find(parts, &body, now)
            .await
            .inspect_err(|rejection| explain(&self.verifier, rejection))?;
        let verdict = verifier.verify_owned(parts, body, now).map(Delivery::from);
        let tenant = match whose {
            Whose::Endpoint => None,
            Whose::Tenant(tenant) => Some(tenant),
            // Whatever the verdict for nobody is, the sender is not told.
            Whose::Nobody => {
                let rejection = self.refuse(RejectionKind::UnknownTenant);
                explain(&self.verifier, &rejection);
                return Err(rejection);
            }
        };
        let delivery = verdict.inspect_err(|rejection| explain(&verifier, rejection))?;
        Ok((delivery, tenant))
    }

    /// The verifier for a request, and whose it is.
    #[cfg_attr(
        not(feature = "public-key"),
        expect(
            unused_variables,
            reason = "only keys that requests name are judged by the time"
        )
    )]
    async fn find(
        &self,
        parts: &Parts,
        body: &Bytes,
        now: Timestamp,
    ) -> Result<(Verifier, Whose), Rejection> {
        Ok(match &self.keys {
            Keys::Known | Keys::Live(_) => (self.current(), Whose::Endpoint),
            Keys::Tenant { source, nobody } => {
                let found = source.secrets(SecretRequest::new(parts, body));
                let found = self.look_up(found).await?;
                let secrets = found.as_ref().map_or(nobody, TenantSecrets::secrets);
                let verifier = self
                    .verifier
                    .with_secrets(secrets)
                    .map_err(|error| self.unavailable(&error))?;
                let whose =
                    found.map_or(Whose::Nobody, |found| Whose::Tenant(found.tenant().clone()));
                (verifier, whose)
            }
            #[cfg(feature = "public-key")]
            Keys::Named(resolver) => {
                let verifier = self.named(resolver, parts, body, now).await?;
                (verifier, Whose::Endpoint)
            }
        })
    }

    /// The first active secret of whoever the request is for, to answer a
    /// challenge with.
    pub(crate) async fn mac_key(&self, parts: &Parts, now: Timestamp) -> Result<MacKey, Rejection> {
        #[cfg(feature = "public-key")]
        if matches!(self.keys, Keys::Named(_)) {
            return Err(self.refuse(RejectionKind::UnknownKey));
        }
        let (verifier, whose) = self.find(parts, &Bytes::new(), now).await?;
        if matches!(whose, Whose::Nobody) {
            return Err(self.refuse(RejectionKind::UnknownTenant));
        }
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
        if key.expires_at().is_some_and(|end| end <= now) {
            return Err(self.refuse(RejectionKind::UntrustedKey));
        }
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
        telemetry::failed(self.scheme().name(), "a key could not be looked up", error);
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
    let random = (0..2_u64).flat_map(|part| RandomState::new().hash_one(part).to_ne_bytes());
    let letters = hex::encode(random.collect::<Vec<u8>>());
    // As a text that has to be decoded, because somebody's has to be, too; of
    // letters that may stand in a URL.
    match scheme.secret_encoding.stand_in(&letters) {
        Some(text) => Secret::new(text),
        None => Secret::from_bytes(letters),
    }
}

impl From<Verifier> for AsyncVerifier {
    fn from(verifier: Verifier) -> Self {
        Self::new(verifier, Keys::Known)
    }
}

impl From<LiveVerifier> for AsyncVerifier {
    fn from(live: LiveVerifier) -> Self {
        // Without its keys: what is rotated out is not kept here.
        Self::new(live.current().without_its_keys(), Keys::Live(live))
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
