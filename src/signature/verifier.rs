use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use zeroize::Zeroizing;

use super::check::Check;
use super::compiled::{Compiled, SignaturePlace, name_of};
use super::encoding::{Encoding, SecretEncoding};
use super::judged::Judged;
use super::mac::MacState;
#[cfg(feature = "public-key")]
use super::protocol::KeyName;
#[cfg(feature = "public-key")]
use super::public_key::PublicKey;
use super::scheme::{Algorithm, Scheme};
use super::source::Source;
use super::verified::{Verified, VerifiedBytes};
use crate::rejection::{Rejection, RejectionKind};
use crate::secret::{Secret, Secrets};
use crate::{ConfigError, Timestamp};

/// How many secrets can be active at once.
const MAX_SECRETS: usize = 16;

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

/// A secret that can be hashed with, outside of a verdict.
#[derive(Clone)]
pub(crate) struct MacKey {
    inner: Arc<Inner>,
    position: u32,
}

impl MacKey {
    pub(crate) const fn new(inner: Arc<Inner>, position: u32) -> Self {
        Self { inner, position }
    }

    /// The MAC of `message`; `None` where deliveries have none.
    pub(crate) fn tag(&self, message: &[u8]) -> Option<Vec<u8>> {
        let Algorithm::Hmac(hash) = self.inner.compiled.scheme.algorithm else {
            return None;
        };
        let position = usize::try_from(self.position).ok()?;
        let state = self.inner.keys.get(position)?.mac()?;
        let tag = state.tag_of(|update| update(message)).to_bytes();
        tag.get(..hash.tag_len()).map(<[u8]>::to_vec)
    }
}

/// A secret, set up.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) material: Material,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What a secret becomes.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "hashing must not follow a pointer to its key"
)]
pub(crate) enum Material {
    Mac(MacState),
    /// A part of the content of a plain hash.
    Secret(Zeroizing<Vec<u8>>),
    #[cfg(feature = "public-key")]
    Public(PublicKey),
}

impl Key {
    /// The key that is set up for hashing, if it is one.
    pub(crate) const fn mac(&self) -> Option<&MacState> {
        match &self.material {
            Material::Mac(state) => Some(state),
            _ => None,
        }
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
        let key = Key {
            material: Material::Public(key),
            label: None,
            expires_at: None,
        };
        Self::from_parts(Arc::clone(&self.inner.compiled), vec![key], false)
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

impl Key {
    fn all(scheme: &Scheme, secrets: &Secrets) -> Result<Vec<Self>, ConfigError> {
        match secrets.len() {
            0 => Err(ConfigError::NoSecret),
            given if given > MAX_SECRETS => Err(ConfigError::TooManySecrets { given }),
            _ => secrets
                .iter()
                .enumerate()
                .map(|(position, secret)| Self::new(scheme, position, secret))
                .collect(),
        }
    }

    fn new(scheme: &Scheme, position: usize, secret: &Secret) -> Result<Self, ConfigError> {
        let named = || match secret.label() {
            Some(label) => format!("{label:?}"),
            None => format!("number {}", position + 1),
        };
        // A prefix alone is what a template makes of a variable that is not set.
        let material = secret.as_bytes();
        let material = material.strip_prefix(b"whsec_").unwrap_or(material);
        if material.trim_ascii().is_empty() {
            return Err(ConfigError::EmptySecret { secret: named() });
        }
        let decoded;
        let key = match secret.text() {
            None => secret.as_bytes(),
            Some(text) => {
                let lines = scheme.secret_encoding == SecretEncoding::Pem;
                if text.trim().len() != text.len() && !lines {
                    return Err(ConfigError::SecretSurroundedByWhitespace { secret: named() });
                }
                decoded = scheme.secret_encoding.decode(text).ok_or_else(|| {
                    ConfigError::UndecodableSecret {
                        secret: named(),
                        expected: scheme.secret_encoding.name(),
                    }
                })?;
                decoded.as_slice()
            }
        };
        // An HMAC pads its key with zeros: a key of zeros is the empty key.
        let signs = scheme.algorithm != Algorithm::Token;
        if key.is_empty() || signs && key.iter().all(|byte| *byte == 0) {
            return Err(ConfigError::EmptySecret { secret: named() });
        }
        let in_query = scheme
            .signatures
            .iter()
            .any(|source| matches!(source, Source::Query(_)));
        if in_query && scheme.encoding == Encoding::Text && !key.iter().all(|b| is_unreserved(*b)) {
            return Err(ConfigError::UndecodableSecret {
                secret: named(),
                expected: "text of letters, digits, '-', '.', '_' and '~', as a token in a URL",
            });
        }
        let material = match scheme.algorithm {
            Algorithm::Hmac(hash) => MacState::hmac(hash, key)
                .map(Material::Mac)
                .ok_or_else(|| ConfigError::EmptySecret { secret: named() })?,
            Algorithm::Hash(_) => Material::Secret(Zeroizing::new(key.to_vec())),
            #[cfg(feature = "public-key")]
            Algorithm::PublicKey(algorithm) => PublicKey::from_bytes(key)
                .prepared_for(algorithm)
                .map(Material::Public)
                .map_err(|_| ConfigError::UndecodableSecret {
                    secret: named(),
                    expected: algorithm.expected_key(),
                })?,
            Algorithm::Token => Material::Mac(MacState::token(key)),
        };
        Ok(Self {
            material,
            label: secret.label_arc(),
            expires_at: secret.expires_at(),
        })
    }

    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// RFC 3986 section 2.3: what stands for itself in a URL.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("scheme", &self.scheme().name())
            .field("secrets", &self.inner.keys.len())
            .finish_non_exhaustive()
    }
}
