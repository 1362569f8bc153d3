use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request, Response};
use tower::Service;

use super::ResponseFuture;
use super::chain::{refused, shown};
use super::judge::judge;
use super::layer::Check;
use crate::rejection::{DefaultRejectionResponse, Refusals, RejectionResponse};
use crate::{Rejection, early};

/// The service of [`RequireClientCertLayer`](super::RequireClientCertLayer).
#[derive(Clone, Debug)]
pub struct RequireClientCert<S, R = DefaultRejectionResponse> {
    inner: S,
    check: Option<Check>,
    refusals: Refusals<R>,
}

impl<S, R> RequireClientCert<S, R> {
    /// Without a `check`, every request passes.
    pub(crate) const fn new(inner: S, check: Option<Check>, refusals: Refusals<R>) -> Self {
        Self {
            inner,
            check,
            refusals,
        }
    }

    inner_service_accessors!();
}

impl Check {
    /// Whether a request with these extensions and headers may pass.
    fn check(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<(), Rejection> {
        let shown = shown(&self.proxies, extensions, headers)?;
        judge(&self.rules, &shown, self.clock.now()).map_err(refused)
    }
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for RequireClientCert<S, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: RejectionResponse<ResBody>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let checked = self.check.as_ref().map_or(Ok(()), |check| {
            check.check(request.extensions(), request.headers())
        });
        early::call(&mut self.inner, request, checked, &self.refusals)
    }
}
