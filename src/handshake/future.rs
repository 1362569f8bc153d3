use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::Answered;
use super::respond::Outcome;
use crate::rejection::{Refusals, RejectionResponse};

pin_project! {
    /// The future of a [`HandshakeService`](super::HandshakeService).
    pub struct ResponseFuture<F, R> {
        #[pin]
        state: State<F, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, R> {
        Passing {
            #[pin]
            future: F,
        },
        Answering {
            outcome: Pin<Box<dyn Future<Output = Outcome> + Send>>,
            refusals: Refusals<R>,
        },
    }
}

impl<F, R> ResponseFuture<F, R> {
    pub(super) const fn passing(future: F) -> Self {
        Self {
            state: State::Passing { future },
        }
    }

    pub(super) fn answering(
        outcome: impl Future<Output = Outcome> + Send + 'static,
        refusals: Refusals<R>,
    ) -> Self {
        Self {
            state: State::Answering {
                outcome: Box::pin(outcome),
                refusals,
            },
        }
    }
}

impl<F, R, B, E> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<B>, E>>,
    R: RejectionResponse<B>,
    B: From<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passing { future } => future.poll(cx),
            StateProjection::Answering { outcome, refusals } => {
                Poll::Ready(Ok(match ready!(outcome.as_mut().poll(cx)) {
                    Ok(answer) => {
                        let mut response = answer.into_response();
                        response.extensions_mut().insert(Answered);
                        response
                    }
                    Err(rejection) => refusals.answer(rejection),
                }))
            }
        }
    }
}

impl<F, R> fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
