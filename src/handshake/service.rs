use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::future::ResponseFuture;
use super::layer::{Signed, Unsigned, asked};
use super::respond;
use crate::VerifiedBody;
use crate::delivery::Tenant;
use crate::rejection::{
    DefaultRejectionResponse, Refusals, Rejection, RejectionKind, RejectionResponse,
};

/// The service of a [`HandshakeLayer`](super::HandshakeLayer).
#[derive(Clone, Debug)]
pub struct HandshakeService<S, P = Unsigned, R = DefaultRejectionResponse> {
    inner: S,
    /// `None` lets every request through.
    place: Option<Arc<P>>,
    refusals: Refusals<R>,
}

impl<S, P, R> HandshakeService<S, P, R> {
    pub(crate) const fn new(inner: S, place: Option<Arc<P>>, refusals: Refusals<R>) -> Self {
        Self {
            inner,
            place,
            refusals,
        }
    }

    inner_service_accessors!();
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for HandshakeService<S, Unsigned, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: RejectionResponse<ResBody> + Clone,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ResBody: From<String>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let Some(place) = &self.place else {
            return ResponseFuture::passing(self.inner.call(request));
        };
        let candidates = place.candidates(&request);
        if !candidates.is_empty() {
            let (parts, body) = request.into_parts();
            return ResponseFuture::answering(
                respond::unsigned(Arc::clone(place), candidates, parts, body),
                self.refusals.clone(),
            );
        }
        if place.verifier.headers().delivers_with(request.method()) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        // The layer behind would not list the methods that are answered here.
        let refused =
            Rejection::new(RejectionKind::MethodNotAllowed).with_detail(place.allow.clone());
        ResponseFuture::answering(std::future::ready(Err(refused)), self.refusals.clone())
    }
}

/// Behind verification only: for nothing but requests with a
/// [`VerifiedBody`].
impl<S, R, ResBody> Service<Request<VerifiedBody>> for HandshakeService<S, Signed, R>
where
    S: Service<Request<VerifiedBody>, Response = Response<ResBody>>,
    R: RejectionResponse<ResBody> + Clone,
    ResBody: From<String>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let place = self.place.as_ref();
        let Some((place, handshake)) =
            place.and_then(|place| Some((place, place.challenge(&request)?)))
        else {
            return ResponseFuture::passing(self.inner.call(request));
        };
        let delivery = request.body().delivery();
        let key = handshake.needs_key().then(|| delivery.mac_key());
        let asked = asked(&request, delivery.body());
        let answer = handshake.answer(&asked, key.as_ref(), delivery.allow());
        ResponseFuture::answering(
            respond::signed(
                handshake,
                answer,
                place.confirmation.clone(),
                delivery.clone(),
                request.extensions().get::<Tenant>().cloned(),
            ),
            self.refusals.clone(),
        )
    }
}
