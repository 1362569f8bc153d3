use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request, Response};
use tower::Service;

use super::ResponseFuture;
use crate::client_ip::ClientIp;
use crate::early;
use crate::rejection::{
    DefaultRejectionResponse, Refusals, Rejection, RejectionKind, RejectionResponse,
};

/// The service of [`RequireHttpsLayer`](super::RequireHttpsLayer).
#[derive(Clone, Debug)]
pub struct RequireHttps<S, R = DefaultRejectionResponse> {
    inner: S,
    client_ip: Option<ClientIp>,
    refusals: Refusals<R>,
}

impl<S, R> RequireHttps<S, R> {
    /// Without a `client_ip`, every request passes.
    pub(crate) const fn new(inner: S, client_ip: Option<ClientIp>, refusals: Refusals<R>) -> Self {
        Self {
            inner,
            client_ip,
            refusals,
        }
    }

    inner_service_accessors!();
}

/// Whether a request with these extensions and headers may pass.
pub(crate) fn check(
    client_ip: &ClientIp,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<(), Rejection> {
    client_ip
        .check_https(extensions, headers)
        .map_err(|reason| Rejection::new(RejectionKind::InsecureTransport).with_detail(reason))
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for RequireHttps<S, R>
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
        let checked = self.client_ip.as_ref().map_or(Ok(()), |client_ip| {
            check(client_ip, request.extensions(), request.headers())
        });
        early::call(&mut self.inner, request, checked, &self.refusals)
    }
}
