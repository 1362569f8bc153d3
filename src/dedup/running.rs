//! Work that goes on when nobody waits for it any more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::handlers::Handlers;
use crate::telemetry;

type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Detach<T> = fn(Task<T>, &Handlers, telemetry::Span, fn(T));

/// A claimed or running event. Dropped before it is done, it leaves the work
/// running to its end in a task of its own.
pub(crate) struct Running<T> {
    future: Option<Task<T>>,
    started: bool,
    token: Option<TaskTrackerToken>,
    span: telemetry::Span,
    handlers: Handlers,
    /// What becomes of an outcome that nobody waits for.
    unheard: fn(T),
    /// A function, because `Drop` cannot demand the bounds that a spawn needs.
    detach: Detach<T>,
}

impl<T: Send + 'static> Running<T> {
    pub(crate) fn new(
        future: impl Future<Output = T> + Send + 'static,
        handlers: Handlers,
        unheard: fn(T),
    ) -> Self {
        Self {
            future: Some(Box::pin(future)),
            started: false,
            token: Some(handlers.token()),
            span: telemetry::Span::current(),
            handlers,
            unheard,
            detach,
        }
    }
}

impl<T> Running<T> {
    #[expect(
        clippy::panic,
        reason = "polling a finished future is the caller's bug"
    )]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
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

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        // A future that was never polled has claimed nothing.
        if let Some(future) = self.future.take().filter(|_| self.started) {
            (self.detach)(future, &self.handlers, self.span.take(), self.unheard);
        }
    }
}

fn detach<T: Send + 'static>(
    future: Task<T>,
    handlers: &Handlers,
    span: telemetry::Span,
    unheard: fn(T),
) {
    handlers.spawn(span.instrument(async move { unheard(future.await) }));
}
