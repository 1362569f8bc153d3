use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::service::Webhook;
#[cfg(feature = "client-cert")]
use crate::client_cert::{Check as ClientCertCheck, RequireClientCertLayer};
use crate::client_ip::ClientIp;
use crate::clock::Clock;
use crate::dedup::{DedupLayer, Handlers};
use crate::delivery::{EventId, Tenant};
use crate::explain::Explainer;
use crate::handshake::{ConfirmSubscription, HandshakeLayer, SecretCapture, Signed, Unsigned};
use crate::ip_allowlist::IpAllowlist;
use crate::keys::AsyncVerifier;
use crate::rate_limit::{PerCaller, PerDelivery, Quota, RateLimitLayer};
use crate::rejection::DefaultRejectionResponse;
use crate::signature::Scheme;
use crate::store::{DedupStore, StoreError};
use crate::{ConfigError, Secret, VerifyLayer, telemetry};

/// Guards a webhook route. See the [module docs](crate::webhook).
#[must_use]
#[derive(Clone)]
pub struct WebhookLayer<R = DefaultRejectionResponse> {
    pub(super) client_ip: ClientIp,
    pub(super) require_https: bool,
    pub(super) allowlist: Option<IpAllowlist>,
    #[cfg(feature = "client-cert")]
    pub(super) client_cert: Option<ClientCertCheck>,
    pub(super) caller_limit: Option<RateLimitLayer<PerCaller>>,
    pub(super) unsigned_handshakes: HandshakeLayer<Unsigned>,
    pub(super) verify: VerifyLayer,
    pub(super) signed_handshakes: HandshakeLayer<Signed>,
    pub(super) answers_handshakes: bool,
    delivery_limit: Option<RateLimitLayer<PerDelivery>>,
    dedup: Option<DedupLayer>,
    endpoint: Option<Arc<str>>,
    pub(super) rejection: R,
}

impl WebhookLayer {
    /// Verifies requests with `verifier` (a [`Verifier`](crate::Verifier), or
    /// one of [`keys`](crate::keys)) and processes each event once,
    /// remembered in the memory of this process.
    ///
    /// Events are remembered for 96 hours, or for as long as the provider
    /// goes on retrying if that is longer.
    pub fn new(verifier: impl Into<AsyncVerifier>) -> Self {
        let verifier = verifier.into();
        let dedup = DedupLayer::in_memory();
        let horizon = verifier.scheme().retry_horizon();
        let dedup = match dedup.ttl() < horizon {
            true => dedup.clone().with_ttl(horizon).unwrap_or(dedup),
            false => dedup,
        };
        Self {
            client_ip: ClientIp::direct(),
            require_https: false,
            allowlist: None,
            #[cfg(feature = "client-cert")]
            client_cert: None,
            caller_limit: None,
            unsigned_handshakes: HandshakeLayer::unsigned(verifier.clone()),
            verify: VerifyLayer::new(verifier),
            signed_handshakes: HandshakeLayer::signed(),
            answers_handshakes: true,
            delivery_limit: None,
            dedup: Some(dedup),
            endpoint: None,
            rejection: DefaultRejectionResponse,
        }
    }
}

impl<R> WebhookLayer<R> {
    /// Who is calling: for the HTTPS check, the allowlist and the limit per
    /// caller. By default the peer of the connection; behind proxies, name
    /// them.
    pub fn with_client_ip(mut self, client_ip: ClientIp) -> Self {
        self.client_ip = client_ip;
        self
    }

    /// Refuses requests that are not known to have come over HTTPS, with 403.
    pub fn with_required_https(mut self) -> Self {
        self.require_https = true;
        self
    }

    /// Refuses callers that are not on the list, with 403. The list can be
    /// replaced while serving.
    pub fn with_allowlist(mut self, allowlist: IpAllowlist) -> Self {
        self.allowlist = Some(allowlist);
        self
    }

    /// Refuses callers whose TLS client certificate does not satisfy the rules
    /// of `layer`, with 403. Which proxies may forward a certificate, and the
    /// clock, are `layer`'s own.
    #[cfg(feature = "client-cert")]
    pub fn with_client_cert(mut self, layer: RequireClientCertLayer) -> Self {
        self.client_cert = Some(layer.check);
        self
    }

    /// Refuses callers that keep failing verification, with 429. Genuine
    /// requests cost nothing.
    pub fn with_caller_limit(mut self, failures: Quota) -> Self {
        self.caller_limit = Some(RateLimitLayer::per_caller(failures));
        self
    }

    /// Like [`with_caller_limit`](Self::with_caller_limit), with a limiter
    /// set up by hand. Its `ClientIp` is replaced by this layer's.
    pub fn with_caller_limit_layer(mut self, layer: RateLimitLayer<PerCaller>) -> Self {
        self.caller_limit = Some(layer);
        self
    }

    /// Limits verified deliveries, for each tenant by itself; those over it
    /// get the status that makes the provider come again.
    pub fn with_delivery_limit(mut self, deliveries: Quota) -> Self {
        self.delivery_limit = Some(RateLimitLayer::per_delivery(deliveries));
        self
    }

    /// Like [`with_delivery_limit`](Self::with_delivery_limit), with a limiter
    /// set up by hand.
    pub fn with_delivery_limit_layer(mut self, layer: RateLimitLayer<PerDelivery>) -> Self {
        self.delivery_limit = Some(layer);
        self
    }

    /// The largest body, in bytes; a larger one is refused with 413. The
    /// default is what the scheme states.
    ///
    /// # Errors
    ///
    /// If `bytes` is zero.
    pub fn with_max_body(mut self, bytes: usize) -> Result<Self, ConfigError> {
        self.verify = self.verify.with_max_body(bytes)?;
        Ok(self)
    }

    /// The longest time a body may take to arrive; one that takes longer is
    /// refused with 408. The default is 10 seconds.
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_body_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.verify = self.verify.with_body_timeout(timeout)?;
        self.unsigned_handshakes = self.unsigned_handshakes.with_body_timeout(timeout)?;
        Ok(self)
    }

    /// How many bodies may be waited for at once; further ones that are not
    /// there yet are refused with 503. The default is 1024.
    ///
    /// # Errors
    ///
    /// If `count` is zero.
    pub fn with_max_slow_bodies(mut self, count: usize) -> Result<Self, ConfigError> {
        self.verify = self.verify.with_max_slow_bodies(count)?;
        Ok(self)
    }

    /// The clock that timestamps are judged by; the system's by default.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.unsigned_handshakes = self.unsigned_handshakes.with_clock(Arc::clone(&clock));
        self.verify = self.verify.with_clock(clock);
        self
    }

    /// Logs for every request that fails verification why it does. For
    /// development; see
    /// [`VerifyLayer::with_explanations`](crate::VerifyLayer::with_explanations)
    /// for why not in production.
    pub fn with_explanations(mut self, explainer: Explainer) -> Self {
        self.verify = self.verify.with_explanations(explainer);
        self
    }

    /// The token that was typed into the provider's form, which its challenges
    /// must know: see [`HandshakeLayer::with_verify_token`]. Meta's need one to
    /// be answered.
    ///
    /// # Errors
    ///
    /// If the token is empty, or surrounded by white space.
    pub fn with_verify_token(mut self, token: impl Into<Secret>) -> Result<Self, ConfigError> {
        self.unsigned_handshakes = self.unsigned_handshakes.with_verify_token(token)?;
        Ok(self)
    }

    /// Who takes the secrets that the provider sends when a webhook is created:
    /// see [`SecretCapture`]. Asana's and Notion's challenges need one to be
    /// answered.
    pub fn with_secret_capture(mut self, capture: Arc<dyn SecretCapture>) -> Self {
        self.unsigned_handshakes = self.unsigned_handshakes.with_secret_capture(capture);
        self
    }

    /// The origins that may send CloudEvents: see
    /// [`HandshakeLayer::with_allowed_origins`].
    ///
    /// # Errors
    ///
    /// If one is not a DNS name; `*` is none.
    pub fn with_allowed_origins<O: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = O>,
    ) -> Result<Self, ConfigError> {
        self.unsigned_handshakes = self.unsigned_handshakes.with_allowed_origins(origins)?;
        Ok(self)
    }

    /// Who confirms subscriptions: see [`ConfirmSubscription`]. Without it, the
    /// messages of Amazon SNS that ask for it reach the handler.
    pub fn with_confirmation(mut self, confirmation: Arc<dyn ConfirmSubscription>) -> Self {
        self.signed_handshakes = self.signed_handshakes.with_confirmation(confirmation);
        self
    }

    /// Answers none of the provider's challenges: signed ones reach the handler,
    /// others are refused.
    pub fn without_handshakes(mut self) -> Self {
        self.answers_handshakes = false;
        self
    }

    /// For a guard that is observed: nobody is given a secret, and nothing is
    /// confirmed.
    pub(crate) fn with_pretended_handshakes(mut self) -> Self {
        self.unsigned_handshakes = self.unsigned_handshakes.pretended();
        self.signed_handshakes = self.signed_handshakes.pretended();
        self
    }

    /// Remembers events in `store`, with the defaults of [`DedupLayer`].
    ///
    /// # Errors
    ///
    /// As [`with_dedup`](Self::with_dedup).
    pub fn with_store(self, store: Arc<dyn DedupStore>) -> Result<Self, ConfigError> {
        self.with_dedup(DedupLayer::new(store))
    }

    /// Processes each event once, as `dedup` says.
    ///
    /// # Errors
    ///
    /// If `dedup` forgets an event while its signature still counts as fresh.
    /// Forgetting it while the provider may still retry is only reported in
    /// the log.
    pub fn with_dedup(mut self, dedup: DedupLayer) -> Result<Self, ConfigError> {
        let scheme = self.verify.verifier().scheme();
        let needed = scheme.freshness_window().saturating_add(dedup.lease());
        if dedup.ttl() < needed {
            return Err(ConfigError::DedupTtlTooShort {
                ttl_seconds: dedup.ttl().as_secs(),
                needed_seconds: needed.as_secs(),
            });
        }
        if dedup.ttl() < scheme.retry_horizon() {
            telemetry::trouble(
                scheme.name(),
                "events are forgotten before the provider stops retrying them",
            );
        }
        self.dedup = Some(dedup);
        Ok(self)
    }

    /// Processes every delivery, repeated ones too: for handlers that
    /// recognise repetitions themselves.
    pub fn without_dedup(mut self) -> Self {
        self.dedup = None;
        self
    }

    /// Tells endpoints apart that share a store or a limiter and a provider.
    pub fn with_endpoint(mut self, name: impl Into<Arc<str>>) -> Self {
        self.endpoint = Some(name.into());
        self
    }

    /// What a refused sender is answered.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> WebhookLayer<R2> {
        WebhookLayer {
            client_ip: self.client_ip,
            require_https: self.require_https,
            allowlist: self.allowlist,
            #[cfg(feature = "client-cert")]
            client_cert: self.client_cert,
            caller_limit: self.caller_limit,
            unsigned_handshakes: self.unsigned_handshakes,
            verify: self.verify,
            signed_handshakes: self.signed_handshakes,
            answers_handshakes: self.answers_handshakes,
            delivery_limit: self.delivery_limit,
            dedup: self.dedup,
            endpoint: self.endpoint,
            rejection,
        }
    }

    /// The scheme that requests are verified against.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        self.verify.verifier().scheme()
    }

    pub(crate) fn max_body(&self) -> usize {
        self.verify.max_body()
    }

    /// The handlers that are running, to wait for them before the process
    /// ends. Always none without deduplication, when handlers end with their
    /// connection.
    #[must_use]
    pub fn handlers(&self) -> Handlers {
        self.dedup
            .as_ref()
            .map_or_else(Handlers::new, DedupLayer::handlers)
    }

    /// Forgets an event, so that its next delivery is processed again. See
    /// [`DedupLayer::forget`].
    ///
    /// # Errors
    ///
    /// If the store does not answer, or is full.
    pub async fn forget(
        &self,
        tenant: Option<&Tenant>,
        event_id: &EventId,
    ) -> Result<bool, StoreError> {
        match self.dedup() {
            Some(dedup) => dedup.forget(self.scheme(), tenant, event_id).await,
            None => Ok(false),
        }
    }
}

/// The parts that know the endpoint's name.
impl<R> WebhookLayer<R> {
    pub(super) fn dedup(&self) -> Option<DedupLayer> {
        let dedup = self.dedup.clone()?;
        Some(match &self.endpoint {
            Some(name) => dedup.with_endpoint(Arc::clone(name)),
            None => dedup,
        })
    }

    pub(super) fn delivery_limit(&self) -> Option<RateLimitLayer<PerDelivery>> {
        let limit = self.delivery_limit.clone()?;
        Some(match &self.endpoint {
            Some(name) => limit.with_endpoint(name.to_string()),
            None => limit,
        })
    }
}

impl<S, R: Clone> Layer<S> for WebhookLayer<R> {
    type Service = Webhook<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Webhook::new(inner, self)
    }
}

impl<R> fmt::Debug for WebhookLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WebhookLayer");
        shown
            .field("client_ip", &self.client_ip)
            .field("require_https", &self.require_https)
            .field("allowlist", &self.allowlist);
        #[cfg(feature = "client-cert")]
        shown.field("client_cert", &self.client_cert);
        shown
            .field("caller_limit", &self.caller_limit)
            .field("unsigned_handshakes", &self.unsigned_handshakes)
            .field("verify", &self.verify)
            .field("signed_handshakes", &self.signed_handshakes)
            .field("answers_handshakes", &self.answers_handshakes)
            .field("delivery_limit", &self.delivery_limit)
            .field("dedup", &self.dedup)
            .finish_non_exhaustive()
    }
}
