use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tower::Layer;

use super::place::{MAX_BODY, Signed, Unsigned};
use super::pretended::Pretended;
use super::service::HandshakeService;
use super::{ConfirmSubscription, SecretCapture};
use crate::clock::{Clock, SystemClock};
use crate::keys::AsyncVerifier;
use crate::rejection::{DefaultRejectionResponse, Refusals};
use crate::verify::Limits;
use crate::{ConfigError, Secret, VerifyLayer};

/// Answers the challenges with which providers test an endpoint. See the
/// [module docs](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct HandshakeLayer<P = Unsigned, R = DefaultRejectionResponse> {
    place: P,
    rejection: R,
}

/// How many bodies without a signature are waited for at once.
const MAX_SLOW_BODIES: usize = 64;

impl HandshakeLayer {
    /// Answers the unsigned challenges of the scheme of `verifier`, which is
    /// that of the [`VerifyLayer`] behind this layer.
    pub fn unsigned(verifier: impl Into<AsyncVerifier>) -> Self {
        let place = Unsigned {
            verifier: verifier.into(),
            clock: Arc::new(SystemClock),
            limits: Limits {
                max_body: MAX_BODY,
                body_timeout: VerifyLayer::BODY_TIMEOUT,
                slow_bodies: Arc::new(Semaphore::new(MAX_SLOW_BODIES)),
            },
            verify_token: None,
            capture: None,
            origins: Vec::new(),
            active: Vec::new(),
            allow: String::new(),
        };
        Self {
            place,
            rejection: DefaultRejectionResponse,
        }
    }
}

impl HandshakeLayer<Signed> {
    /// Answers the signed challenges of the scheme that a request was verified
    /// against.
    ///
    /// Goes behind verification:
    ///
    /// ```
    /// # use axum::{Router, routing::post};
    /// # use tower::ServiceBuilder;
    /// # use tower_webhook::handshake::HandshakeLayer;
    /// # use tower_webhook::{Verifier, VerifyLayer, provider};
    /// # async fn handler() {}
    /// # let verifier = Verifier::new(provider::slack(), "secret").unwrap();
    /// let stack = ServiceBuilder::new()
    ///     .layer(VerifyLayer::new(verifier))
    ///     .layer(HandshakeLayer::signed());
    /// let app: Router = Router::new().route("/", post(handler).layer(stack));
    /// ```
    ///
    /// In front of it, it does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use axum::{Router, routing::post};
    /// # use tower::ServiceBuilder;
    /// # use tower_webhook::handshake::HandshakeLayer;
    /// # use tower_webhook::{Verifier, VerifyLayer, provider};
    /// # async fn handler() {}
    /// # let verifier = Verifier::new(provider::slack(), "secret").unwrap();
    /// let stack = ServiceBuilder::new()
    ///     .layer(HandshakeLayer::signed())
    ///     .layer(VerifyLayer::new(verifier));
    /// let app: Router = Router::new().route("/", post(handler).layer(stack));
    /// ```
    pub fn signed() -> Self {
        Self {
            place: Signed::default(),
            rejection: DefaultRejectionResponse,
        }
    }
}

impl<R> HandshakeLayer<Unsigned, R> {
    /// The token that was typed into the provider's form (Meta's "verify
    /// token"), which a challenge must know. Without it, challenges that bring
    /// one are not answered.
    ///
    /// # Errors
    ///
    /// If the token is empty, or surrounded by white space.
    pub fn with_verify_token(mut self, token: impl Into<Secret>) -> Result<Self, ConfigError> {
        let token = token.into();
        let secret = || "that challenges must know".to_owned();
        let bytes = token.as_bytes();
        if bytes.trim_ascii().is_empty() {
            return Err(ConfigError::EmptySecret { secret: secret() });
        }
        if bytes.trim_ascii().len() != bytes.len() {
            return Err(ConfigError::SecretSurroundedByWhitespace { secret: secret() });
        }
        self.place.verify_token = Some(token);
        Ok(self)
    }

    /// Who takes the secrets that the provider sends when a webhook is created
    /// (Asana, Notion). Without it, such challenges are not answered.
    pub fn with_secret_capture(mut self, capture: Arc<dyn SecretCapture>) -> Self {
        self.place.capture = Some(capture);
        self
    }

    /// The origins that may send CloudEvents: DNS names, compared without
    /// regard to case. Without any, `OPTIONS` requests are not answered.
    ///
    /// # Errors
    ///
    /// If one is not a DNS name; `*` is none.
    pub fn with_allowed_origins<O: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = O>,
    ) -> Result<Self, ConfigError> {
        let origins = origins.into_iter().map(|origin| {
            let origin = origin.into();
            match is_dns_name(&origin) {
                true => Ok(origin),
                false => Err(ConfigError::InvalidOrigin { origin }),
            }
        });
        self.place.origins = origins.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// As if every secret were taken.
    pub(crate) fn pretended(mut self) -> Self {
        let capture = self.place.capture.is_some();
        self.place.capture = capture.then(|| Arc::new(Pretended) as Arc<dyn SecretCapture>);
        self
    }

    /// The clock that the expiry of secrets is judged by; the system's by
    /// default.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.place.clock = clock;
        self
    }

    /// The longest time the body of a challenge may take to arrive; one that
    /// takes longer is refused with 408. The default is 10 seconds.
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_body_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::Zero {
                setting: "body_timeout",
            });
        }
        self.place.limits.body_timeout = timeout;
        Ok(self)
    }
}

impl<R> HandshakeLayer<Signed, R> {
    /// Who confirms subscriptions (Amazon SNS). Without it, the messages that
    /// ask for it reach the handler.
    pub fn with_confirmation(mut self, confirmation: Arc<dyn ConfirmSubscription>) -> Self {
        self.place.confirmation = Some(confirmation);
        self
    }

    /// As if every subscription were confirmed.
    pub(crate) fn pretended(mut self) -> Self {
        let confirms = self.place.confirmation.is_some();
        self.place.confirmation =
            confirms.then(|| Arc::new(Pretended) as Arc<dyn ConfirmSubscription>);
        self
    }
}

impl<P, R> HandshakeLayer<P, R> {
    /// How a challenge is refused: by default with an empty body.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> HandshakeLayer<P, R2> {
        HandshakeLayer {
            place: self.place,
            rejection,
        }
    }

    pub(crate) const fn place(&self) -> &P {
        &self.place
    }
}

/// Letters, digits and hyphens in labels, as RFC 1123 section 2.1 has them.
fn is_dns_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

impl<S, R: Clone> Layer<S> for HandshakeLayer<Unsigned, R> {
    type Service = HandshakeService<S, Unsigned, R>;

    fn layer(&self, inner: S) -> Self::Service {
        let provider = self.place.verifier.scheme().name.clone();
        HandshakeService::new(
            inner,
            self.place.prepared(),
            Refusals::new(self.rejection.clone()).for_provider(provider),
        )
    }
}

impl<S, R: Clone> Layer<S> for HandshakeLayer<Signed, R> {
    type Service = HandshakeService<S, Signed, R>;

    fn layer(&self, inner: S) -> Self::Service {
        HandshakeService::new(
            inner,
            Some(self.place.clone()),
            Refusals::new(self.rejection.clone()),
        )
    }
}
