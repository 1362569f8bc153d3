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

use bytes::Bytes;
use http::{HeaderValue, Request};

use crate::clock::{Clock, SystemClock};
use crate::secret::{Secret, Secrets};
use crate::signature::Scheme;
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
    verifier: Verifier,
    secret: Secret,
    at: Option<Timestamp>,
    event_id: Option<String>,
    family: usize,
}

impl Signer {
    /// Signs for `scheme` with `secret`.
    ///
    /// # Errors
    ///
    /// As [`Verifier::new`].
    pub fn new(scheme: Scheme, secret: impl Into<Secret>) -> Result<Self, ConfigError> {
        let secret = secret.into();
        Ok(Self {
            verifier: Verifier::new(scheme, Secrets::from(secret.clone()))?,
            secret,
            at: None,
            event_id: None,
            family: 0,
        })
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

    /// A genuine request to `uri` with `body`.
    ///
    /// # Panics
    ///
    /// If `uri` is not a URI, or the event id cannot stand in a header.
    #[expect(clippy::expect_used, reason = "a helper for tests may panic on misuse")]
    pub fn sign(&self, uri: &str, body: impl Into<Bytes>) -> Request<Bytes> {
        let body = body.into();
        let signed = self.verifier.inner().sign(
            &self.secret,
            &body,
            self.at.unwrap_or_else(|| SystemClock.now()),
            self.event_id.as_deref().unwrap_or("evt_test"),
            self.family,
        );
        let uri = match &signed.query {
            Some(query) if uri.contains('?') => format!("{uri}&{query}"),
            Some(query) => format!("{uri}?{query}"),
            None => uri.to_owned(),
        };
        let mut request = Request::new(body);
        *request.method_mut() = signed.method;
        *request.uri_mut() = uri.parse().expect("a valid URI");
        for (name, value) in signed.headers {
            let value = HeaderValue::from_str(&value).expect("a valid header value");
            request.headers_mut().append(name, value);
        }
        request
    }
}
