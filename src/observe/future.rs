use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use super::body::Copied;
use super::case::Case;
use super::probe::{Probe, Unsent};
use crate::dedup::{Handlers, catch};
use crate::oneshot::Oneshot;
use crate::telemetry;
use crate::webhook::Webhook;

pin_project! {
    /// Response future of [`Observe`](super::Observe): the inner service's
    /// answer, never later than without the observation.
    ///
    /// Dropped before it is done, it drops the inner service's future, as
    /// without the observation.
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        observing: Observing,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, observing: Observing) -> Self {
        Self { inner, observing }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Before the handler, as the guard will be.
        this.observing.poll(cx);
        let mut answer = ready!(this.inner.poll(cx));
        let status = answer.as_ref().ok().map(Response::status);
        this.observing.inner_answered(status, cx);
        if let (Ok(response), Some(observation)) = (&mut answer, this.observing.case.observation())
        {
            response.extensions_mut().insert(observation.clone());
        }
        Poll::Ready(answer)
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// Takes `request` through the guard.
pub(super) async fn judge<B>(
    guard: Webhook<Probe, Unsent>,
    request: Request<Copied<B>>,
    case: Arc<Case>,
) where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    // It fails if the inner service does, which is no verdict.
    if let Ok(response) = Oneshot::new(guard, request).await {
        case.answered(&response);
    }
}

/// The guard, beside the inner service.
pub(super) struct Observing {
    judging: Option<Judging>,
    case: Arc<Case>,
    answered: Option<oneshot::Sender<StatusCode>>,
    handlers: Handlers,
    span: telemetry::Span,
}

type Judging = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Observing {
    pub(super) fn new(
        judging: impl Future<Output = ()> + Send + 'static,
        case: Arc<Case>,
        answered: oneshot::Sender<StatusCode>,
        handlers: Handlers,
    ) -> Self {
        Self {
            judging: Some(Box::pin(telemetry::without_effect(judging))),
            case,
            answered: Some(answered),
            handlers,
            span: telemetry::Span::current(),
        }
    }

    /// Whatever happens here must not reach the inner service.
    fn poll(&mut self, cx: &mut Context<'_>) {
        let Some(mut judging) = self.judging.take() else {
            return;
        };
        match catch(|| judging.as_mut().poll(cx)) {
            Ok(Poll::Pending) => self.judging = Some(judging),
            Ok(Poll::Ready(())) => {}
            Err(_panicked) => {
                let _ = catch(|| drop(judging));
                telemetry::trouble(self.case.provider(), "an observation panicked");
            }
        }
    }

    /// With no status if it failed.
    fn inner_answered(&mut self, status: Option<StatusCode>, cx: &mut Context<'_>) {
        if let (Some(answered), Some(status)) = (self.answered.take(), status) {
            let _ = answered.send(status);
        }
        self.poll(cx);
    }

    /// Whether the guard would go on without the connection.
    fn goes_on(&self) -> bool {
        self.answered.is_none() || self.case.has_read_body()
    }
}

impl Drop for Observing {
    fn drop(&mut self) {
        let goes_on = self.goes_on();
        if let Some(judging) = self.judging.take().filter(|_| goes_on) {
            self.handlers.spawn(self.span.take().instrument(judging));
        }
    }
}
