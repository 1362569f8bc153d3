use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use super::body::{ObservedBody, split};
use super::case::{Case, Reporter};
use super::future::{Observing, ResponseFuture, judge};
use super::layer::ObserveLayer;
use super::probe::{Link, Probe, Unsent};
use crate::dedup::Handlers;
use crate::webhook::Webhook;

/// Runs the checks of a guard without their consequences. See the
/// [module docs](crate::observe).
#[derive(Clone)]
pub struct Observe<S> {
    inner: S,
    guard: Webhook<Probe, Unsent>,
    max_body: usize,
    handlers: Handlers,
    reporter: Reporter,
}

impl<S> Observe<S> {
    pub(super) fn new(inner: S, layer: &ObserveLayer) -> Self {
        Self {
            inner,
            guard: layer.guard.layer(Probe),
            max_body: layer.guard.max_body(),
            handlers: layer.guard.handlers(),
            reporter: Reporter {
                provider: layer.guard.scheme().name.clone(),
                report: layer.report.clone(),
            },
        }
    }

    inner_service_accessors!();
}

impl<S, B, ResBody> Service<Request<B>> for Observe<S>
where
    S: Service<Request<ObservedBody<B>>, Response = Response<ResBody>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    /// That of the inner service: the guard's never holds a request up.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let (case, answered) = Case::new(self.reporter.clone());
        let (body, copied) = split(body, self.max_body, case.clone());

        let mut copied = Request::from_parts(parts.clone(), copied);
        copied.extensions_mut().insert(Link(case.clone()));
        let judging = judge(self.guard.clone(), copied, case.clone());
        let observing = Observing::new(judging, case, answered, self.handlers.clone());

        let inner = self.inner.call(Request::from_parts(parts, body));
        ResponseFuture::new(inner, observing)
    }
}

impl<S: fmt::Debug> fmt::Debug for Observe<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observe")
            .field("inner", &self.inner)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}
