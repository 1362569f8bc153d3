use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request, Response};
use tower::Service;

use super::{IpAllowlist, ResponseFuture};
use crate::client_ip::ClientIp;
use crate::early;
use crate::rejection::{
    DefaultRejectionResponse, Refusals, Rejection, RejectionKind, RejectionResponse,
};

/// The service of [`IpAllowlistLayer`](super::IpAllowlistLayer).
#[derive(Clone, Debug)]
pub struct IpAllowlistService<S, R = DefaultRejectionResponse> {
    inner: S,
    allowlist: Option<IpAllowlist>,
    client_ip: ClientIp,
    refusals: Refusals<R>,
}

impl<S, R> IpAllowlistService<S, R> {
    /// Without an `allowlist`, every request passes.
    pub(crate) const fn new(
        inner: S,
        allowlist: Option<IpAllowlist>,
        client_ip: ClientIp,
        refusals: Refusals<R>,
    ) -> Self {
        Self {
            inner,
            allowlist,
            client_ip,
            refusals,
        }
    }

    inner_service_accessors!();
}

/// Whether a request with these extensions and headers may pass.
pub(crate) fn check(
    allowlist: &IpAllowlist,
    client_ip: &ClientIp,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<(), Rejection> {
    let address = client_ip.require(extensions, headers)?;
    if allowlist.contains(address) {
        return Ok(());
    }
    // An operator needs to know who was kept out. It is an address, not a
    // text, so the caller cannot smuggle anything into a log with it.
    Err(Rejection::new(RejectionKind::AddressNotAllowed).with_detail(address.to_string()))
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for IpAllowlistService<S, R>
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
        let checked = self.allowlist.as_ref().map_or(Ok(()), |allowlist| {
            check(
                allowlist,
                &self.client_ip,
                request.extensions(),
                request.headers(),
            )
        });
        early::call(&mut self.inner, request, checked, &self.refusals)
    }
}
