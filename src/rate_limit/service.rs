use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;

use super::RateKey;
use super::caller;
use super::future::{Account, Gate, ResponseFuture};
use super::layer::{PerCaller, PerDelivery, RateLimitLayer};
use super::limits::{Ask, Limits};
use crate::body::VerifiedBody;
use crate::delivery::Tenant;
use crate::rejection::{
    DefaultRejectionResponse, Refusals, Rejection, RejectionKind, RejectionResponse,
};

/// The service of a [`RateLimitLayer`].
#[derive(Clone, Debug)]
pub struct RateLimit<S, P = PerCaller, R = DefaultRejectionResponse> {
    inner: S,
    guard: Option<Guard<P>>,
    refusals: Refusals<R>,
}

/// What a layer hands to its services.
#[derive(Clone, Debug)]
pub(super) struct Guard<P> {
    pub(super) limits: Arc<Limits>,
    pub(super) place: P,
}

impl<S, P, R> RateLimit<S, P, R> {
    pub(super) const fn new(inner: S, guard: Option<Guard<P>>, refusals: Refusals<R>) -> Self {
        Self {
            inner,
            guard,
            refusals,
        }
    }

    /// A service that limits as `layer` does, or not at all without one.
    /// Refuses as `refusals` say, not as the layer does.
    pub(crate) fn optional<R2>(
        inner: S,
        layer: Option<&RateLimitLayer<P, R2>>,
        refusals: Refusals<R>,
    ) -> Self
    where
        P: Clone,
    {
        Self::new(inner, layer.map(|layer| layer.guard.clone()), refusals)
    }

    inner_service_accessors!();
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S, PerCaller, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    R: RejectionResponse<ResBody> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let Some(Guard { limits, place }) = &self.guard else {
            return ResponseFuture::calling(self.inner.call(request), None);
        };
        let key = match caller::key(place, &request) {
            Ok(key) => key,
            Err(rejection) => return ResponseFuture::refused(rejection, &self.refusals),
        };
        Gate {
            account: Account {
                limits: Arc::clone(limits),
                key,
            },
            ask: Ask::Check,
            charge_failures: true,
            refusal: |_| Rejection::new(RejectionKind::RateLimited),
        }
        .enter(&mut self.inner, request, &self.refusals)
    }
}

/// Behind verification only: for nothing but requests with a
/// [`VerifiedBody`].
impl<S, R, ResBody> Service<Request<VerifiedBody>> for RateLimit<S, PerDelivery, R>
where
    S: Service<Request<VerifiedBody>, Response = Response<ResBody>> + Clone,
    R: RejectionResponse<ResBody> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, VerifiedBody, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let Some(Guard { limits, place }) = &self.guard else {
            return ResponseFuture::calling(self.inner.call(request), None);
        };
        Gate {
            account: Account {
                limits: Arc::clone(limits),
                key: delivery_key(place, &request),
            },
            ask: Ask::Charge,
            charge_failures: false,
            refusal: overload,
        }
        .enter(&mut self.inner, request, &self.refusals)
    }
}

fn delivery_key(place: &PerDelivery, request: &Request<VerifiedBody>) -> RateKey {
    let provider = request.body().delivery().provider();
    match request.extensions().get::<Tenant>() {
        Some(tenant) => RateKey::names(&[provider, &place.endpoint, tenant.as_str()]),
        None => RateKey::names(&[provider, &place.endpoint]),
    }
}

/// Many senders never repeat what was answered with 429, so the scheme says
/// which status makes its provider try again.
fn overload(request: &Request<VerifiedBody>) -> Rejection {
    let delivery = request.body().delivery();
    Rejection::new(RejectionKind::RateLimited)
        .with_status(delivery.scheme().overload_status())
        .with_provider(delivery.provider().to_owned().into())
}
