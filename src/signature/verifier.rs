use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use super::check::Check;
use super::compiled::{Compiled, SignaturePlace, name_of};
use super::judged::Judged;
use super::key::{Key, MacKey};
#[cfg(feature = "public-key")]
use super::protocol::KeyName;
#[cfg(feature = "public-key")]
use super::public_key::PublicKey;
use super::scheme::Scheme;
use super::verified::{Verified, VerifiedBytes};
use crate::rejection::{Rejection, RejectionKind};
use crate::secret::Secrets;
use crate::{ConfigError, Timestamp};

/// Decides whether a request is genuine and fresh: a [`Scheme`] with its
/// secrets.
///
/// Cloning is cheap. See the [module docs](crate::signature) for an example.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) keys: Vec<Key>,
    /// Whether the keys are found once the body is there.
    pub(crate) keys_follow: bool,
}

impl Inner {
    /// The label of the secret at `position`.
    pub(crate) fn label(&self, position: u32) -> Option<&str> {
        let position = usize::try_from(position).ok()?;
        self.keys.get(position)?.label.as_deref()
    }
}

impl Verifier {
    /// A verifier for `scheme` with one secret (or public key), or several
    /// during a rotation.
    ///
    /// # Errors
    ///
    /// If the scheme contradicts itself, if there is no secret or there are
    /// more than 16, or if one of them is empty, surrounded by white space or
    /// not in the encoding the scheme states. See [`ConfigError`].
    pub fn new(scheme: Scheme, secrets: impl Into<Secrets>) -> Result<Self, ConfigError> {
        let compiled = Arc::new(Compiled::new(scheme)?);
        let keys = Key::all(&compiled.scheme, &secrets.into())?;
        Ok(Self::from_parts(compiled, keys, false))
    }

    /// A verifier for `scheme` that has no keys yet: it judges headers.
    pub(crate) fn without_keys(scheme: Scheme) -> Result<Self, ConfigError> {
        Ok(Self::from_parts(
            Arc::new(Compiled::new(scheme)?),
            Vec::new(),
            true,
        ))
    }

    /// The same scheme without its keys.
    pub(crate) fn without_its_keys(&self) -> Self {
        Self::from_parts(Arc::clone(&self.inner.compiled), Vec::new(), true)
    }

    /// The same scheme with other secrets.
    pub(crate) fn with_secrets(&self, secrets: &Secrets) -> Result<Self, ConfigError> {
        let compiled = Arc::clone(&self.inner.compiled);
        let keys = Key::all(&compiled.scheme, secrets)?;
        Ok(Self::from_parts(compiled, keys, false))
    }

    /// The same keys for another scheme, which sets them up in the same way.
    pub(crate) fn with_scheme(&self, scheme: Scheme) -> Result<Self, ConfigError> {
        let compiled = Arc::new(Compiled::new(scheme)?);
        let keys = self.inner.keys.clone();
        Ok(Self::from_parts(compiled, keys, self.inner.keys_follow))
    }

    /// How many keys there are.
    pub(crate) fn key_count(&self) -> usize {
        self.inner.keys.len()
    }

    /// The same scheme with a key that was fetched.
    #[cfg(feature = "public-key")]
    pub(crate) fn with_public_key(&self, key: PublicKey) -> Self {
        let keys = vec![Key::public(key)];
        Self::from_parts(Arc::clone(&self.inner.compiled), keys, false)
    }

    fn from_parts(compiled: Arc<Compiled>, keys: Vec<Key>, keys_follow: bool) -> Self {
        Self {
            inner: Arc::new(Inner {
                compiled,
                keys,
                keys_follow,
            }),
        }
    }

    /// The key that a request names, once everything that needs no key is
    /// judged.
    #[cfg(feature = "public-key")]
    pub(crate) fn wanted_key(
        &self,
        parts: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<KeyName>, Rejection> {
        self.judge(parts, now)?
            .wanted_key(body)
            .map_err(|rejection| self.decorate(rejection))
    }

    /// [`verify`](Self::verify) for a body that is kept.
    pub(crate) fn verify_owned<'a>(
        &'a self,
        parts: &'a Parts,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Verified<'a>, Rejection> {
        self.judge(parts, now)?.verify(VerifiedBytes::Owned(body))
    }

    /// The scheme the verifier was built from.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.inner.compiled.scheme
    }

    /// Starts to verify a request whose body has not been read yet: judges
    /// the headers and the timestamp.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the headers alone show that the request is not
    /// genuine or not fresh. Its body need not be read then.
    pub fn begin<'a>(&'a self, parts: &'a Parts, now: Timestamp) -> Result<Check<'a>, Rejection> {
        Ok(Check::new(self.judge(parts, now)?))
    }

    /// Verifies a request with its whole body. Allocates nothing for one
    /// secret and one signature in a header.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the request is not genuine or not fresh.
    pub fn verify<'a>(
        &'a self,
        parts: &'a Parts,
        body: &'a [u8],
        now: Timestamp,
    ) -> Result<Verified<'a>, Rejection> {
        self.judge(parts, now)?.verify(body.into())
    }

    #[inline]
    fn judge<'a>(&'a self, parts: &'a Parts, now: Timestamp) -> Result<Judged<'a>, Rejection> {
        self.check_method(&parts.method)?;
        Judged::new(&self.inner, parts, now).map_err(|rejection| self.decorate(rejection))
    }

    /// The first key that is active.
    pub(crate) fn mac_key(&self, now: Timestamp) -> Option<MacKey> {
        let keys = (0_u32..).zip(&self.inner.keys);
        let (position, _) = keys.into_iter().find(|(_, key)| key.is_active(now))?;
        Some(MacKey::new(Arc::clone(&self.inner), position))
    }

    /// Refuses what needs no parsing: a wrong method, no signature at all.
    pub(crate) fn precheck(&self, method: &Method, headers: &HeaderMap) -> Result<(), Rejection> {
        self.check_method(method)?;
        let compiled = &self.inner.compiled;
        if compiled.may_be_signed(headers) {
            Ok(())
        } else {
            Err(self.missing_signature())
        }
    }

    /// The refusal of a request that comes without a signature.
    pub(crate) fn missing_signature(&self) -> Rejection {
        self.decorate(self.inner.compiled.missing_signature())
    }

    /// Whether the request has the method of deliveries.
    pub(crate) fn delivers_with(&self, method: &Method) -> bool {
        self.inner.compiled.scheme.methods.contains(method)
    }

    /// Whether there is a signature outside the body.
    pub(crate) fn finds_signature(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        self.inner.compiled.carries_signature(headers, uri)
    }

    fn check_method(&self, method: &Method) -> Result<(), Rejection> {
        let compiled = &self.inner.compiled;
        if self.delivers_with(method) {
            return Ok(());
        }
        Err(Rejection::new(RejectionKind::MethodNotAllowed)
            .with_provider(compiled.scheme.name.clone())
            .with_detail(compiled.allow.clone()))
    }

    /// Adds the provider, and its status for failed verifications.
    pub(crate) fn decorate(&self, rejection: Rejection) -> Rejection {
        self.inner.compiled.decorate(rejection)
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Compiled {
    /// Adds what the scheme says about every rejection.
    pub(crate) fn decorate(&self, rejection: Rejection) -> Rejection {
        let status = if rejection.kind().is_verification_failure() {
            self.scheme.reject_status
        } else {
            rejection.status()
        };
        rejection
            .with_status(status)
            .with_provider(self.scheme.name.clone())
    }

    pub(crate) fn missing_signature(&self) -> Rejection {
        let rejection = Rejection::new(RejectionKind::MissingSignature);
        match self.signatures.first() {
            Some(SignaturePlace::Header(names) | SignaturePlace::Numbered(names)) => {
                match name_of(names, 0) {
                    Some(name) => rejection.with_detail(name.as_str().to_owned()),
                    None => rejection,
                }
            }
            Some(SignaturePlace::Lines(name)) => rejection.with_detail(name.as_str().to_owned()),
            _ => rejection,
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("scheme", &self.scheme().name())
            .field("secrets", &self.inner.keys.len())
            .finish_non_exhaustive()
    }
}
