use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;

use super::future::ResponseFuture;
use super::layer::Config;
use super::protocol::process;
use crate::VerifiedBody;
use crate::rejection::{DefaultRejectionResponse, RejectionResponse};

/// Processes each event once. See the [module docs](crate::dedup).
#[derive(Clone)]
pub struct Dedup<S, R = DefaultRejectionResponse> {
    inner: S,
    /// `None` lets every request through.
    config: Option<Arc<Config>>,
    rejection: R,
}

impl<S, R> Dedup<S, R> {
    pub(super) fn new(inner: S, config: Option<Arc<Config>>, rejection: R) -> Self {
        Self {
            inner,
            config,
            rejection,
        }
    }

    /// A service that lets every request through.
    pub(crate) fn disabled(inner: S, rejection: R) -> Self {
        Self::new(inner, None, rejection)
    }

    inner_service_accessors!();
}

impl<S, R, ResBody> Service<Request<VerifiedBody>> for Dedup<S, R>
where
    S: Service<Request<VerifiedBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    R: RejectionResponse<ResBody> + Clone,
    ResBody: Default + Send + 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R, ResBody, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.config {
            // The inner service is made ready once the event is claimed: a
            // slow store must not hold its capacity.
            Some(_) => Poll::Ready(Ok(())),
            None => self.inner.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        match &self.config {
            Some(config) => ResponseFuture::processing(
                process(self.inner.clone(), Arc::clone(config), request),
                config.handlers.clone(),
                self.rejection.clone(),
            ),
            None => ResponseFuture::passing(self.inner.call(request), self.rejection.clone()),
        }
    }
}

impl<S: fmt::Debug, R> fmt::Debug for Dedup<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup")
            .field("inner", &self.inner)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
