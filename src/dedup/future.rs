use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::handlers::Handlers;
use super::protocol::Outcome;
use crate::rejection::RejectionResponse;
use crate::telemetry;

pin_project! {
    /// Response future of [`Dedup`](super::Dedup).
    ///
    /// Dropped before it is done, as servers do when the client goes away, it
    /// leaves the handler running to its end in a task of its own.
    pub struct ResponseFuture<F, R, B, E> {
        #[pin]
        state: State<F, B, E>,
        rejection: R,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<F, B, E> {
        Passing { #[pin] future: F },
        Processing { running: Running<B, E> },
    }
}

impl<F, R, B, E> ResponseFuture<F, R, B, E>
where
    B: Send + 'static,
    E: Send + 'static,
{
    pub(super) fn passing(future: F, rejection: R) -> Self {
        Self {
            state: State::Passing { future },
            rejection,
        }
    }

    pub(super) fn processing(
        future: impl Future<Output = Result<Outcome<B>, E>> + Send + 'static,
        handlers: Handlers,
        rejection: R,
    ) -> Self {
        Self {
            state: State::Processing {
                running: Running {
                    future: Some(Box::pin(future)),
                    started: false,
                    token: Some(handlers.token()),
                    span: telemetry::Span::current(),
                    handlers,
                    detach,
                },
            },
            rejection,
        }
    }
}

impl<F, R, B, E> Future for ResponseFuture<F, R, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    R: RejectionResponse<B>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let running = match this.state.project() {
            StateProject::Passing { future } => return future.poll(cx),
            StateProject::Processing { running } => running,
        };
        Poll::Ready(Ok(match ready!(running.poll(cx))? {
            Outcome::Handled(response) => response,
            Outcome::Duplicate(duplicate, status) => {
                let mut response = Response::new(B::default());
                *response.status_mut() = status;
                response.extensions_mut().insert(duplicate);
                response
            }
            Outcome::Rejected(by) => by.into_response(this.rejection),
        }))
    }
}

impl<F, R, B, E> fmt::Debug for ResponseFuture<F, R, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

type Processing<B, E> = Pin<Box<dyn Future<Output = Result<Outcome<B>, E>> + Send>>;

/// A claimed or running event.
struct Running<B, E> {
    future: Option<Processing<B, E>>,
    started: bool,
    token: Option<TaskTrackerToken>,
    span: telemetry::Span,
    handlers: Handlers,
    /// A function, because `Drop` cannot demand the bounds that a spawn needs.
    detach: fn(Processing<B, E>, &Handlers, telemetry::Span),
}

impl<B, E> Running<B, E> {
    #[expect(
        clippy::panic,
        reason = "polling a finished future is the caller's bug"
    )]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome<B>, E>> {
        self.started = true;
        // Taken out, so that one that panics is not handed on by `Drop`.
        let Some(mut future) = self.future.take() else {
            panic!("`ResponseFuture` polled after completion");
        };
        let outcome = future.as_mut().poll(cx);
        if outcome.is_pending() {
            self.future = Some(future);
        } else {
            self.token = None;
        }
        outcome
    }
}

impl<B, E> Drop for Running<B, E> {
    fn drop(&mut self) {
        // A future that was never polled has claimed nothing.
        if let Some(future) = self.future.take().filter(|_| self.started) {
            (self.detach)(future, &self.handlers, self.span.take());
        }
    }
}

fn detach<B: Send + 'static, E: Send + 'static>(
    future: Processing<B, E>,
    handlers: &Handlers,
    span: telemetry::Span,
) {
    handlers.spawn(span.instrument(async move {
        if let Ok(Outcome::Rejected(by)) = future.await {
            telemetry::rejected(&by);
        }
    }));
}
