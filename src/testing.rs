//! For tests: genuine requests, and a clock that is set by hand (feature
//! `testing`).
//!
//! ```
//! use tower_webhook::testing::{ManualClock, Signer};
//! use tower_webhook::{Clock, RejectionKind, Secret, Timestamp, Verifier, provider};
//!
//! let secret = Secret::new("whsec_test");
//! let clock = ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000));
//!
//! let request = Signer::new(provider::stripe(), secret.clone())?
//!     .at(clock.now())
//!     .sign("/stripe", r#"{"id":"evt_1","type":"invoice.paid"}"#);
//!
//! let verifier = Verifier::new(provider::stripe(), secret)?;
//! let (parts, body) = request.into_parts();
//! assert!(verifier.verify(&parts, &body, clock.now()).is_ok());
//!
//! clock.advance(std::time::Duration::from_secs(301));
//! let refused = verifier.verify(&parts, &body, clock.now()).unwrap_err();
//! assert_eq!(refused.kind(), RejectionKind::TimestampTooOld);
//! # Ok::<(), tower_webhook::ConfigError>(())
//! ```

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

#[cfg(feature = "public-key")]
use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use crate::clock::{Clock, SystemClock};
use crate::secret::{Secret, Secrets};
use crate::signature::{Algorithm, Draft, Scheme, SignWith};
#[cfg(feature = "public-key")]
use crate::signature::{KeyPair, SecretEncoding};
use crate::{ConfigError, Timestamp, Verifier};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.unix_millis()))
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_millis(), Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Signs requests as a provider would, derived from the same [`Scheme`] that
/// they are verified with.
#[derive(Clone, Debug)]
pub struct Signer {
    scheme: Verifier,
    with: With,
    at: Option<Timestamp>,
    event_id: Option<String>,
    family: usize,
}

#[derive(Clone, Debug)]
enum With {
    Secret(Secret),
    #[cfg(feature = "public-key")]
    KeyPair(Arc<KeyPair>),
}

impl Signer {
    /// Signs for `scheme` with `secret`: the one that requests are verified
    /// with, or for a scheme with public keys the private key, PKCS #8 in PEM
    /// or DER.
    ///
    /// # Errors
    ///
    /// As [`Verifier::new`]; and if the scheme is not data
    /// ([`Scheme::with_protocol`]).
    pub fn new(scheme: Scheme, secret: impl Into<Secret>) -> Result<Self, ConfigError> {
        let secret = secret.into();
        if scheme.protocol().is_some() {
            return Err(ConfigError::InvalidScheme {
                scheme: scheme.name().to_owned(),
                reason: "it is not data, so that it cannot be signed from it".into(),
            });
        }
        let (scheme, with) = match scheme.algorithm() {
            #[cfg(feature = "public-key")]
            Algorithm::PublicKey(algorithm) => {
                let pair = KeyPair::new(algorithm, secret.as_bytes()).ok_or_else(|| {
                    ConfigError::UndecodableSecret {
                        secret: "of the signer".to_owned(),
                        expected: "private key in PKCS #8",
                    }
                })?;
                let with = With::KeyPair(Arc::new(pair));
                (Verifier::without_keys(scheme)?, with)
            }
            _ => (
                Verifier::new(scheme, Secrets::from(secret.clone()))?,
                With::Secret(secret),
            ),
        };
        Ok(Self {
            scheme,
            with,
            at: None,
            event_id: None,
            family: 0,
        })
    }

    /// What the signer's requests are verified with: its secret, or the public
    /// half of its key, written as the scheme writes it.
    ///
    /// # Panics
    ///
    /// If the public key cannot be computed.
    #[must_use]
    #[cfg_attr(
        feature = "public-key",
        expect(clippy::expect_used, reason = "a helper for tests may panic")
    )]
    pub fn verifying_secret(&self) -> Secret {
        match &self.with {
            With::Secret(secret) => secret.clone(),
            #[cfg(feature = "public-key")]
            With::KeyPair(pair) => {
                let encoding = &self.scheme.scheme().secret_encoding;
                let raw = *encoding == SecretEncoding::Hex;
                let key = pair.public_key(raw).expect("a key pair has a public key");
                Secret::new(encoding.encode(&key))
            }
        }
    }

    /// The public half of the signer's key, a `SubjectPublicKeyInfo` in DER;
    /// empty for a signer with a secret.
    ///
    /// # Panics
    ///
    /// If the public key cannot be computed.
    #[cfg(feature = "public-key")]
    #[must_use]
    #[expect(clippy::expect_used, reason = "a helper for tests may panic")]
    pub fn public_key_der(&self) -> Vec<u8> {
        match &self.with {
            With::Secret(_) => Vec::new(),
            With::KeyPair(pair) => pair.public_key(false).expect("a key pair has a public key"),
        }
    }

    /// The time the request claims to be sent at; now by default. Where the
    /// scheme has its timestamp in the body, the body must hold it.
    #[must_use]
    pub const fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }

    /// The event id, for schemes that have it in a header; `evt_test` by
    /// default. Where the scheme has its id in the body, the body must hold
    /// it.
    #[must_use]
    pub fn with_event_id(mut self, id: impl Into<String>) -> Self {
        self.event_id = Some(id.into());
        self
    }

    /// Which of the alternative header names to use, for schemes with several
    /// families of them; the first by default.
    #[must_use]
    pub const fn with_family(mut self, family: usize) -> Self {
        self.family = family;
        self
    }

    /// A genuine request to `uri` with `body`. Where the signature stands in
    /// the body, it is put there.
    ///
    /// # Panics
    ///
    /// If `uri` is not a URI, the event id cannot stand in a header, or the
    /// body lacks what the scheme reads from it.
    #[expect(clippy::expect_used, reason = "a helper for tests may panic on misuse")]
    pub fn sign(&self, uri: &str, body: impl Into<Bytes>) -> Request<Bytes> {
        let inner = self.scheme.inner();
        let with = match &self.with {
            With::Secret(secret) if inner.compiled.scheme.algorithm == Algorithm::Token => {
                SignWith::Token(secret)
            }
            With::Secret(_) => SignWith::Key(inner.keys.first().expect("a signer has a key")),
            #[cfg(feature = "public-key")]
            With::KeyPair(pair) => SignWith::KeyPair(pair),
        };
        let draft = Draft {
            uri: uri.parse().expect("a valid URI"),
            body: body.into(),
            at: self.at.unwrap_or_else(|| SystemClock.now()),
            event_id: self.event_id.as_deref().unwrap_or("evt_test"),
            family: self.family,
        };
        inner
            .sign(&with, draft)
            .expect("a body with what the scheme reads from it, and a valid event id")
    }
}
