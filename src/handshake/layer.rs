use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use tokio::sync::Semaphore;
use tower::Layer;

use super::pretended::Pretended;
use super::service::HandshakeService;
use super::{ConfirmSubscription, SecretCapture};
use crate::clock::{Clock, SystemClock};
use crate::keys::AsyncVerifier;
use crate::rejection::{DefaultRejectionResponse, Refusals};
use crate::signature::{Asked, Handshake, Scheme};
use crate::verify::Limits;
use crate::{ConfigError, Secret, VerifiedBody, VerifyLayer};

/// Answers the challenges with which providers test an endpoint. See the
/// [module docs](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct HandshakeLayer<P = Unsigned, R = DefaultRejectionResponse> {
    place: P,
    rejection: R,
}

/// In front of verification, for challenges that are not signed.
#[derive(Clone, Debug)]
pub struct Unsigned {
    pub(super) verifier: AsyncVerifier,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) verify_token: Option<Secret>,
    pub(super) capture: Option<Arc<dyn SecretCapture>>,
    pub(super) origins: Vec<String>,
    /// What is answered with this configuration.
    pub(super) active: Vec<Arc<Handshake>>,
    /// The methods that are answered then, as the `Allow` header lists them.
    pub(super) allow: String,
}

/// Behind verification, for challenges that are signed as deliveries are.
#[derive(Clone, Debug, Default)]
pub struct Signed {
    pub(super) confirmation: Option<Arc<dyn ConfirmSubscription>>,
}

/// The largest body of a challenge, in bytes. Those known are below 3 KiB.
const MAX_BODY: usize = 16 * 1024;

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

impl Unsigned {
    /// Ready to serve; `None` if there is nothing to answer.
    pub(crate) fn prepared(&self) -> Option<Arc<Self>> {
        let mut place = self.clone();
        let handshakes = self.verifier.scheme().handshakes.iter();
        place.active = handshakes
            .filter(|handshake| self.answers(handshake))
            .map(Arc::clone)
            .collect();
        let verifier = self.verifier.headers();
        let mut methods: Vec<&str> = verifier
            .scheme()
            .methods
            .iter()
            .map(Method::as_str)
            .collect();
        for handshake in &place.active {
            if !methods.contains(&handshake.method().as_str()) {
                methods.push(handshake.method().as_str());
            }
        }
        place.allow = methods.join(", ");
        (!place.active.is_empty()).then(|| Arc::new(place))
    }

    fn answers(&self, handshake: &Handshake) -> bool {
        !handshake.is_signed()
            && (!handshake.needs_verify_token() || self.verify_token.is_some())
            && (!handshake.needs_capture() || self.capture.is_some())
            && (!handshake.needs_origins() || !self.origins.is_empty())
    }

    /// The challenges that the request may be, as far as its headers tell.
    pub(super) fn candidates<B>(&self, request: &Request<B>) -> Vec<Arc<Handshake>> {
        let verifier = self.verifier.headers();
        let delivers = verifier.delivers_with(request.method());
        if delivers && verifier.finds_signature(request.headers(), request.uri()) {
            return Vec::new();
        }
        let asked = asked(request, &[]);
        let fitting = self.active.iter().filter(|one| one.fits_head(&asked));
        fitting.map(Arc::clone).collect()
    }
}

impl Signed {
    /// Whether there is anything to answer for `scheme`.
    pub(crate) fn answers(&self, scheme: &Scheme) -> bool {
        scheme
            .handshakes()
            .any(|handshake| self.is_active(handshake))
    }

    fn is_active(&self, handshake: &Handshake) -> bool {
        handshake.is_signed() && (!handshake.needs_confirmation() || self.confirmation.is_some())
    }

    /// The challenge that the request is.
    pub(super) fn challenge(&self, request: &Request<VerifiedBody>) -> Option<Arc<Handshake>> {
        let delivery = request.body().delivery();
        let mut handshakes = delivery.scheme().handshakes.iter();
        let asked = asked(request, delivery.body());
        let found = handshakes.find(|handshake| {
            self.is_active(handshake)
                && asked.body.len() <= MAX_BODY
                && handshake.fits_head(&asked)
                && handshake.fits_body(&asked)
        });
        found.map(Arc::clone)
    }
}

pub(super) fn asked<'a, B>(request: &'a Request<B>, body: &'a [u8]) -> Asked<'a> {
    Asked {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        body,
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
            Some(Arc::new(self.place.clone())),
            Refusals::new(self.rejection.clone()),
        )
    }
}
