//! Secrets, set up for their scheme.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::encoding::{Encoding, SecretEncoding};
use super::mac::MacState;
#[cfg(feature = "public-key")]
use super::public_key::PublicKey;
use super::scheme::{Algorithm, Scheme};
use super::source::Source;
use super::verifier::Inner;
use crate::secret::{Secret, Secrets};
use crate::{ConfigError, Timestamp};

/// How many secrets can be active at once.
const MAX_SECRETS: usize = 16;

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
    /// All of `secrets`, in their order.
    pub(super) fn all(scheme: &Scheme, secrets: &Secrets) -> Result<Vec<Self>, ConfigError> {
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

    /// One that was fetched.
    #[cfg(feature = "public-key")]
    pub(super) const fn public(key: PublicKey) -> Self {
        Self {
            material: Material::Public(key),
            label: None,
            expires_at: None,
        }
    }

    /// The key that is set up for hashing, if it is one.
    pub(crate) const fn mac(&self) -> Option<&MacState> {
        match &self.material {
            Material::Mac(state) => Some(state),
            _ => None,
        }
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

/// RFC 3986 section 2.3: what stands for itself in a URL.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
