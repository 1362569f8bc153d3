use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use tokio::sync::Semaphore;
use tower::Layer;

use super::service::Verify;
use crate::clock::{Clock, SystemClock};
use crate::explain::Explainer;
use crate::keys::AsyncVerifier;
use crate::rejection::DefaultRejectionResponse;
use crate::rejection::Rejection;
use crate::{ConfigError, Timestamp, Verifier};

/// Verifies requests before the inner service sees them. See the
/// [module docs](crate::verify).
#[must_use]
#[derive(Clone)]
pub struct VerifyLayer<R = DefaultRejectionResponse> {
    config: Arc<Config>,
    rejection: R,
}

/// What a request is verified with.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) verifier: AsyncVerifier,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) explainer: Option<Arc<Explainer>>,
}

impl Config {
    /// Logs why a request was refused, if that is to be explained.
    pub(super) fn explain(
        &self,
        verifier: &Verifier,
        parts: &Parts,
        body: Option<&[u8]>,
        now: Timestamp,
        rejection: &Rejection,
    ) {
        if let Some(explainer) = &self.explainer {
            explainer.log(verifier, parts, body, now, rejection);
        }
    }
}

/// How much of a body is read, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) max_body: usize,
    pub(crate) body_timeout: Duration,
    /// The places of bodies that are waited for.
    pub(crate) slow_bodies: Arc<Semaphore>,
}

impl VerifyLayer {
    pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);
    const MAX_SLOW_BODIES: usize = 1024;

    /// Verifies requests with `verifier`: a [`Verifier`](crate::Verifier), or
    /// one of [`keys`](crate::keys).
    pub fn new(verifier: impl Into<AsyncVerifier>) -> Self {
        let verifier = verifier.into();
        let max_body = verifier.scheme().max_body();
        Self {
            config: Arc::new(Config {
                verifier,
                clock: Arc::new(SystemClock),
                limits: Limits {
                    max_body,
                    body_timeout: Self::BODY_TIMEOUT,
                    slow_bodies: Arc::new(Semaphore::new(Self::MAX_SLOW_BODIES)),
                },
                explainer: None,
            }),
            rejection: DefaultRejectionResponse,
        }
    }
}

impl<R> VerifyLayer<R> {
    /// The largest body, in bytes; a larger one is refused with 413. The
    /// default is what the scheme states.
    ///
    /// # Errors
    ///
    /// If `bytes` is zero.
    pub fn with_max_body(self, bytes: usize) -> Result<Self, ConfigError> {
        if bytes == 0 {
            return Err(ConfigError::Zero {
                setting: "max_body",
            });
        }
        Ok(self.configure(|config| config.limits.max_body = bytes))
    }

    /// The longest time a body may take to arrive, counted from the first
    /// wait for it; one that takes longer is refused with 408. The default is
    /// 10 seconds.
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_body_timeout(self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::Zero {
                setting: "body_timeout",
            });
        }
        Ok(self.configure(|config| config.limits.body_timeout = timeout))
    }

    /// How many bodies may be waited for at once; further ones that are not
    /// there yet are refused with 503. Bounds the memory that slow senders
    /// hold to `count` times the largest body. The default is 1024.
    ///
    /// # Errors
    ///
    /// If `count` is zero.
    pub fn with_max_slow_bodies(self, count: usize) -> Result<Self, ConfigError> {
        if count == 0 {
            return Err(ConfigError::Zero {
                setting: "max_slow_bodies",
            });
        }
        let permits = count.min(Semaphore::MAX_PERMITS);
        Ok(self.configure(|config| config.limits.slow_bodies = Arc::new(Semaphore::new(permits))))
    }

    /// The clock that timestamps are judged by; the system's by default.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.configure(|config| config.clock = clock)
    }

    /// Logs for every refused request why it is refused, as a warning with the
    /// field `explanation`: in development, with feature `tracing` (without it,
    /// nothing happens). What is answered stays the same, byte for byte.
    ///
    /// **Not in production**: a forged request costs up to 256 times the work of
    /// a genuine one, and how long that takes tells its sender what is
    /// configured. See [`explain`](crate::explain).
    pub fn with_explanations(self, explainer: Explainer) -> Self {
        self.configure(|config| config.explainer = Some(Arc::new(explainer)))
    }

    /// What a refused sender is answered.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> VerifyLayer<R2> {
        VerifyLayer {
            config: self.config,
            rejection,
        }
    }

    fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    pub(crate) fn verifier(&self) -> &AsyncVerifier {
        &self.config.verifier
    }

    pub(crate) fn max_body(&self) -> usize {
        self.config.limits.max_body
    }
}

impl<S, R: Clone> Layer<S> for VerifyLayer<R> {
    type Service = Verify<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, Arc::clone(&self.config), self.rejection.clone())
    }
}

impl<R> fmt::Debug for VerifyLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
