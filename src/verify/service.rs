use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::future::{ResponseFuture, verify_then_call};
use super::layer::Config;
use super::receive::announced_too_large;
use crate::VerifiedBody;
use crate::rejection::{DefaultRejectionResponse, RejectionResponse};

/// Verifies requests before the inner service sees them. See the
/// [module docs](crate::verify).
#[derive(Clone)]
pub struct Verify<S, R = DefaultRejectionResponse> {
    inner: S,
    config: Arc<Config>,
    rejection: R,
}

impl<S, R> Verify<S, R> {
    pub(super) fn new(inner: S, config: Arc<Config>, rejection: R) -> Self {
        Self {
            inner,
            config,
            rejection,
        }
    }

    inner_service_accessors!();
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for Verify<S, R>
where
    S: Service<Request<VerifiedBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    R: RejectionResponse<ResBody> + Clone,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ResBody: 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<R, ResBody, S::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // The inner service is made ready after verification, inside the
        // future: an unverified body must never hold its capacity.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let config = &self.config;
        let verifier = config.verifier.headers();
        let checked = verifier
            .precheck(request.method(), request.headers())
            .and_then(|()| {
                announced_too_large(request.body(), config.limits.max_body)
                    .map_err(|rejection| verifier.decorate(rejection))
            });
        match checked {
            Err(rejection) => {
                if config.explainer.is_some() {
                    let (parts, _) = request.into_parts();
                    config.explain(verifier, &parts, None, config.clock.now(), &rejection);
                }
                ResponseFuture::rejected(rejection, self.rejection.clone())
            }
            Ok(()) => ResponseFuture::running(
                verify_then_call(self.inner.clone(), Arc::clone(config), request),
                self.rejection.clone(),
            ),
        }
    }
}

impl<S: fmt::Debug, R> fmt::Debug for Verify<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify")
            .field("inner", &self.inner)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
