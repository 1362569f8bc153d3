use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::handlers::Handlers;
use super::protocol::Outcome;
use super::running::Running;
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
        Processing { running: Running<Result<Outcome<B>, E>> },
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
                running: Running::new(future, handlers, unheard),
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

/// Nobody is there to be told any more, but the operator.
fn unheard<B, E>(outcome: Result<Outcome<B>, E>) {
    if let Ok(Outcome::Rejected(by)) = outcome {
        telemetry::rejected(&by);
    }
}
