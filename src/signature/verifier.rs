use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method};

use super::check::Check;
use super::compiled::{Compiled, SignaturePlace, name_of};
use super::encoding::Encoding;
use super::judged::Judged;
use super::mac::MacState;
use super::scheme::{Algorithm, Scheme};
use super::source::Source;
use super::verified::Verified;
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
    pub(crate) compiled: Compiled,
    pub(crate) keys: Vec<Key>,
}

impl Inner {
    /// The label of the secret at `position`.
    pub(crate) fn label(&self, position: u32) -> Option<&str> {
        let position = usize::try_from(position).ok()?;
        self.keys.get(position)?.label.as_deref()
    }
}

/// A secret, set up.
pub(crate) struct Key {
    pub(crate) state: MacState,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Verifier {
    /// A verifier for `scheme` with one secret, or several during a rotation.
    ///
    /// # Errors
    ///
    /// If the scheme contradicts itself, if there is no secret or there are
    /// more than 16, or if one of them is empty, surrounded by white space or
    /// not in the encoding the scheme states. See [`ConfigError`].
    pub fn new(scheme: Scheme, secrets: impl Into<Secrets>) -> Result<Self, ConfigError> {
        let secrets = secrets.into();
        let compiled = Compiled::new(scheme)?;
        match secrets.len() {
            0 => return Err(ConfigError::NoSecret),
            given if given > MAX_SECRETS => return Err(ConfigError::TooManySecrets { given }),
            _ => {}
        }
        let keys = secrets
            .iter()
            .enumerate()
            .map(|(position, secret)| Key::new(&compiled.scheme, position, secret))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            inner: Arc::new(Inner { compiled, keys }),
        })
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

    /// Refuses what needs no parsing: a wrong method, no signature at all.
    pub(crate) fn precheck(&self, method: &Method, headers: &HeaderMap) -> Result<(), Rejection> {
        self.check_method(method)?;
        let compiled = &self.inner.compiled;
        let present = compiled.signatures.iter().any(|place| match place {
            SignaturePlace::Header(names) => names.iter().any(|name| headers.contains_key(name)),
            SignaturePlace::Query(_) => true,
        });
        if present {
            Ok(())
        } else {
            Err(self.decorate(compiled.missing_signature()))
        }
    }

    fn check_method(&self, method: &Method) -> Result<(), Rejection> {
        let compiled = &self.inner.compiled;
        if compiled.scheme.methods.contains(method) {
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
            Some(SignaturePlace::Header(names)) => match name_of(names, 0) {
                Some(name) => rejection.with_detail(name.as_str().to_owned()),
                None => rejection,
            },
            _ => rejection,
        }
    }
}

impl Key {
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
                if text.trim().len() != text.len() {
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
        let signs = matches!(scheme.algorithm, Algorithm::Hmac(_));
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
        let state = match scheme.algorithm {
            Algorithm::Hmac(hash) => MacState::hmac(hash, key)
                .ok_or_else(|| ConfigError::EmptySecret { secret: named() })?,
            Algorithm::Token => MacState::token(key),
        };
        Ok(Self {
            state,
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
