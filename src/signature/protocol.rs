//! Schemes in code, for what is not data.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::compiled::single_line;
use super::json;
#[cfg(feature = "public-key")]
use super::public_key::PublicKey;
use super::scheme::{Algorithm, Coverage, Scheme};
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};

/// Finds what a request claims to be signed, where
/// [`Scheme::with_content`] cannot say it.
///
/// An implementation decides everything that needs no key, and never compares a
/// signature itself: it returns a [`Statement`], and the [`Verifier`] tries it
/// with every key, in constant time. Set it with [`Scheme::with_protocol`].
///
/// [`Verifier`]: super::Verifier
pub trait Protocol: fmt::Debug + Send + Sync {
    /// Judges what the headers alone show, before the body is read.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the request cannot be genuine whatever its body is.
    fn precheck(&self, parts: &Parts, now: Timestamp) -> Result<(), Rejection>;

    /// Judges the whole request as far as that needs no key, and says what is
    /// left to prove.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the request is not genuine or not fresh, whatever the
    /// key is.
    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection>;

    /// How much of a request the signature covers.
    fn coverage(&self) -> Coverage;

    /// For how long a captured request would still be fresh: the tolerances of
    /// the timestamp in both directions. Deduplication remembers events for at
    /// least that long. Zero, the default, is for a protocol that signs none.
    fn freshness_window(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether the protocol can be used as it is configured. Asked once, when a
    /// verifier is built from `scheme`.
    ///
    /// # Errors
    ///
    /// What is wrong, as a full sentence; it becomes
    /// [`ConfigError::InvalidScheme`](crate::ConfigError::InvalidScheme).
    fn validate(&self, scheme: &Scheme) -> Result<(), &'static str> {
        let _ = scheme;
        Ok(())
    }

    /// Whether a delivery without an id is known by the content of its
    /// [`Statement`] instead of by its body and timestamp (default: no). For a
    /// signature under which a body can be written in several ways, or that
    /// covers a URL, where two deliveries may have the same body.
    fn is_known_by_content(&self) -> bool {
        false
    }

    /// Whether `key`, which is not configured but was fetched because the
    /// request names it, may sign. By default every such key may.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if it may not, such as an expired certificate.
    #[cfg(feature = "public-key")]
    fn accept_key(&self, key: &PublicKey, now: Timestamp) -> Result<(), Rejection> {
        let _ = (key, now);
        Ok(())
    }
}

/// A request whose body has arrived, and about which nothing is proved.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a [u8],
    pub(crate) now: Timestamp,
    pub(crate) scheme: &'a Scheme,
}

impl<'a> Received<'a> {
    /// The request without its body.
    #[must_use]
    pub const fn parts(&self) -> &'a Parts {
        self.parts
    }

    /// The body, exactly as it was sent.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What the clock shows.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The scheme that the protocol is part of.
    #[must_use]
    pub const fn scheme(&self) -> &'a Scheme {
        self.scheme
    }

    /// The value of the header `name`.
    ///
    /// # Errors
    ///
    /// If it is missing, or came more than once.
    pub fn header(&self, name: &'static str) -> Result<&'a [u8], Rejection> {
        signed_header(self.parts, name)
    }

    /// The string or integer at `pointer` (RFC 6901) in the JSON body; `None`
    /// if there is none, or `null`.
    ///
    /// # Errors
    ///
    /// If the body is not JSON, the value is of another type, or a key on the
    /// way to it is repeated.
    pub fn json(&self, pointer: &str) -> Result<Option<String>, Rejection> {
        json::read(self.body, pointer).map_err(|_| Rejection::new(RejectionKind::MalformedBody))
    }

    /// The URL that the provider sent the request to, as it is configured.
    ///
    /// # Errors
    ///
    /// If none is configured, or it depends on a proxy that is not trusted.
    pub fn url(&self) -> Result<String, Rejection> {
        self.scheme.signed_url()?.text(self.parts)
    }
}

/// The one line of the header `name`, which is signed.
pub(crate) fn signed_header<'a>(parts: &'a Parts, name: &str) -> Result<&'a [u8], Rejection> {
    let reject = |kind| Rejection::new(kind).with_detail(name.to_owned());
    // By its text: a name that is made for the look-up costs an allocation.
    match single_line(&parts.headers, name) {
        Ok(Some(line)) => Ok(line.as_bytes()),
        Ok(None) => Err(reject(RejectionKind::MissingSignedValue)),
        Err(_) => Err(reject(RejectionKind::MalformedSignedValue)),
    }
}

/// What is left to prove: that one of the signatures is the key's over the
/// content.
#[derive(Clone)]
pub struct Statement {
    /// Alternatives: the signature may be over any of them.
    pub(crate) contents: Vec<Content>,
    pub(crate) signatures: Vec<Vec<u8>>,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) key: Option<KeyName>,
    pub(crate) timestamp: Option<Timestamp>,
}

#[derive(Clone, Default)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    /// Where the secret stands, for [`Algorithm::Hash`].
    pub(crate) secret_at: Option<usize>,
}

impl Statement {
    /// That `signature`, decoded, is over `content`. For a token, that is the
    /// token, over nothing.
    #[must_use]
    pub fn new(content: impl Into<Vec<u8>>, signature: impl Into<Vec<u8>>) -> Self {
        Self {
            contents: vec![Content {
                bytes: content.into(),
                secret_at: None,
            }],
            signatures: vec![signature.into()],
            algorithm: None,
            key: None,
            timestamp: None,
        }
    }

    /// Another signature; one of them must be genuine.
    #[must_use]
    pub fn or_signature(mut self, signature: impl Into<Vec<u8>>) -> Self {
        self.signatures.push(signature.into());
        self
    }

    /// Another content; the signature may be over any of them.
    ///
    /// Deduplication knows a delivery by the first, which must therefore be the
    /// same for all requests that say the same.
    #[must_use]
    pub fn or_content(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.contents.push(Content {
            bytes: content.into(),
            secret_at: None,
        });
        self
    }

    /// The algorithm of this request, where the provider has several. It must
    /// come from a fixed list, never from the request alone; by default it is
    /// the scheme's.
    #[must_use]
    pub const fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// The key that the request names, for a `KeyResolver`
    /// ([`keys`](crate::keys)).
    #[must_use]
    pub fn with_key(mut self, name: KeyName) -> Self {
        self.key = Some(name);
        self
    }

    /// The sender's timestamp, signed and judged to be fresh.
    #[must_use]
    pub const fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("key", &self.key)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

/// How a request names the key that it is signed with. Chosen by the sender:
/// nothing about it is proved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyName {
    /// The key's id: `kid` of a JWT, `keyid` of RFC 9421.
    Id(String),
    /// Where the key's certificate can be fetched: a URL.
    Url(String),
}

/// A protocol as a part of a [`Scheme`].
#[derive(Clone)]
pub(crate) struct SharedProtocol(pub(crate) Arc<dyn Protocol>);

/// One protocol is one value: two that were made apart are not compared.
impl PartialEq for SharedProtocol {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for SharedProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
