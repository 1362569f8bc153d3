use std::borrow::Cow;
use std::sync::Arc;

use tower::Layer;

use super::key::Ipv6Prefix;
use super::limits::Limits;
use super::service::{Guard, RateLimit};
use super::{MemoryRateLimiter, Quota, RateLimiter};
use crate::ConfigError;
use crate::client_ip::ClientIp;
use crate::rejection::{DefaultRejectionResponse, Refusals};

/// Refuses requests over a quota: see the [module](super) documentation.
///
/// Clones of a layer, and the services they make, count together.
#[derive(Clone, Debug)]
#[must_use]
pub struct RateLimitLayer<P = PerCaller, R = DefaultRejectionResponse> {
    pub(super) guard: Guard<P>,
    rejection: R,
}

/// A limit in front of the body, by the caller's network.
#[derive(Clone, Debug, Default)]
pub struct PerCaller {
    pub(super) client_ip: ClientIp,
    pub(super) ipv6_prefix: Ipv6Prefix,
}

/// A limit behind verification, by provider, endpoint and tenant.
#[derive(Clone, Debug, Default)]
pub struct PerDelivery {
    pub(super) endpoint: Cow<'static, str>,
}

impl RateLimitLayer {
    /// Refuses callers that used up `quota` with requests that failed.
    pub fn per_caller(quota: Quota) -> Self {
        Self::new(quota, PerCaller::default())
    }
}

impl RateLimitLayer<PerDelivery> {
    /// Refuses verified requests over `quota` for their provider and tenant.
    ///
    /// Goes behind verification:
    ///
    /// ```
    /// # use axum::{Router, routing::post};
    /// # use tower::ServiceBuilder;
    /// # use tower_webhook::rate_limit::{Quota, RateLimitLayer};
    /// # use tower_webhook::{Verifier, VerifyLayer, provider};
    /// # async fn handler() {}
    /// # let verifier = Verifier::new(provider::stripe(), "whsec_example").unwrap();
    /// # let quota = Quota::per_second(10).unwrap();
    /// let stack = ServiceBuilder::new()
    ///     .layer(VerifyLayer::new(verifier))
    ///     .layer(RateLimitLayer::per_delivery(quota));
    /// let app: Router = Router::new().route("/", post(handler).layer(stack));
    /// ```
    ///
    /// In front of it, it does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use axum::{Router, routing::post};
    /// # use tower::ServiceBuilder;
    /// # use tower_webhook::rate_limit::{Quota, RateLimitLayer};
    /// # use tower_webhook::{Verifier, VerifyLayer, provider};
    /// # async fn handler() {}
    /// # let verifier = Verifier::new(provider::stripe(), "whsec_example").unwrap();
    /// # let quota = Quota::per_second(10).unwrap();
    /// let stack = ServiceBuilder::new()
    ///     .layer(RateLimitLayer::per_delivery(quota))
    ///     .layer(VerifyLayer::new(verifier));
    /// let app: Router = Router::new().route("/", post(handler).layer(stack));
    /// ```
    pub fn per_delivery(quota: Quota) -> Self {
        Self::new(quota, PerDelivery::default())
    }
}

impl<P> RateLimitLayer<P> {
    fn new(quota: Quota, place: P) -> Self {
        Self {
            guard: Guard {
                limits: Arc::new(Limits {
                    local: Arc::new(MemoryRateLimiter::new(quota)),
                    shared: None,
                }),
                place,
            },
            rejection: DefaultRejectionResponse,
        }
    }
}

impl<R> RateLimitLayer<PerCaller, R> {
    /// Finds callers' addresses with `client_ip`, instead of taking the peer
    /// of the connection for the caller.
    pub fn with_client_ip(mut self, client_ip: ClientIp) -> Self {
        self.guard.place.client_ip = client_ip;
        self
    }

    /// Counts the IPv6 networks of `length` bits as one caller each, 48 to
    /// 64; 64 unless told.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidIpv6Prefix`] if `length` is outside that range.
    pub fn with_ipv6_prefix(mut self, length: u8) -> Result<Self, ConfigError> {
        self.guard.place.ipv6_prefix = Ipv6Prefix::new(length)?;
        Ok(self)
    }
}

impl<R> RateLimitLayer<PerDelivery, R> {
    /// Names the endpoint, so that several of them count apart in a limiter
    /// that they share. Layers with limiters of their own count apart anyway.
    pub fn with_endpoint(mut self, endpoint: impl Into<Cow<'static, str>>) -> Self {
        self.guard.place.endpoint = endpoint.into();
        self
    }
}

impl<P, R> RateLimitLayer<P, R> {
    /// Asks `limiter`, such as one that a fleet shares, and the layer's own
    /// only when that one fails.
    pub fn with_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.guard.limits = Arc::new(Limits {
            local: Arc::clone(&self.guard.limits.local),
            shared: Some(limiter),
        });
        self
    }

    /// Replaces the layer's own limiter and its quota, for another bound on
    /// memory or another clock.
    pub fn with_memory(mut self, limiter: MemoryRateLimiter) -> Self {
        self.guard.limits = Arc::new(Limits {
            local: Arc::new(limiter),
            shared: self.guard.limits.shared.clone(),
        });
        self
    }

    /// Replaces the answer to refused requests.
    pub fn with_rejection_response<R2>(self, rejection: R2) -> RateLimitLayer<P, R2> {
        RateLimitLayer {
            guard: self.guard,
            rejection,
        }
    }
}

impl<S, P: Clone, R: Clone> Layer<S> for RateLimitLayer<P, R> {
    type Service = RateLimit<S, P, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit::new(
            inner,
            Some(self.guard.clone()),
            Refusals::new(self.rejection.clone()),
        )
    }
}
