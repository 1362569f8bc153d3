use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::future::ResponseFuture;
use super::place::{Signed, Unsigned, asked};
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
    desk: Option<Desk<P, R>>,
}

/// What is needed where there are challenges.
#[derive(Clone, Debug)]
struct Desk<P, R> {
    place: Arc<P>,
    refusals: Refusals<R>,
}

impl<S, P, R> HandshakeService<S, P, R> {
    /// Without a `place`, every request passes.
    pub(crate) fn new(inner: S, place: Option<P>, refusals: Refusals<R>) -> Self {
        let desk = place.map(|place| Desk {
            place: Arc::new(place),
            refusals,
        });
        Self { inner, desk }
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
        let Some(desk) = &self.desk else {
            return ResponseFuture::passing(self.inner.call(request));
        };
        let place = &desk.place;
        let candidates = place.candidates(&request);
        if !candidates.is_empty() {
            let (parts, body) = request.into_parts();
            let answer = respond::unsigned(Arc::clone(place), candidates, parts, body);
            return ResponseFuture::answering(answer, desk.refusals.clone());
        }
        if place.verifier.headers().delivers_with(request.method()) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        // The layer behind would not list the methods that are answered here.
        let refused =
            Rejection::new(RejectionKind::MethodNotAllowed).with_detail(place.allow.clone());
        ResponseFuture::answering(std::future::ready(Err(refused)), desk.refusals.clone())
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
        let desk = self.desk.as_ref();
        let Some((desk, handshake)) =
            desk.and_then(|desk| Some((desk, desk.place.challenge(&request)?)))
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
                desk.place.confirmation.clone(),
                delivery.clone(),
                request.extensions().get::<Tenant>().cloned(),
            ),
            desk.refusals.clone(),
        )
    }
}
