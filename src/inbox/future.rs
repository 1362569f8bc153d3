use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Response, StatusCode};

use super::Put;
use crate::dedup::{Handlers, Running};
use crate::rejection::{Rejection, RejectionResponse};
use crate::telemetry;

type Outcome = Result<(Put, StatusCode), Rejection>;

/// Response future of [`Inbox`](super::Inbox).
///
/// Dropped before it is done, as servers do when the client goes away, it
/// leaves the event being stored in a task of its own.
pub struct ResponseFuture<R> {
    running: Running<Outcome>,
    rejection: R,
}

impl<R> ResponseFuture<R> {
    pub(super) fn new(
        put: impl Future<Output = Outcome> + Send + 'static,
        puts: Handlers,
        rejection: R,
    ) -> Self {
        Self {
            running: Running::new(put, puts, unheard),
            rejection,
        }
    }
}

/// Nothing in it is pinned in place.
impl<R> Unpin for ResponseFuture<R> {}

impl<R: RejectionResponse<String>> Future for ResponseFuture<R> {
    type Output = Result<Response<String>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        Poll::Ready(Ok(match ready!(this.running.poll(cx)) {
            Ok((put, status)) => {
                let mut response = Response::new(String::new());
                *response.status_mut() = status;
                response.extensions_mut().insert(put);
                response
            }
            Err(by) => by.into_response(&this.rejection),
        }))
    }
}

/// Nobody is there to be told any more, but the operator.
fn unheard(outcome: Outcome) {
    if let Err(by) = outcome {
        telemetry::rejected(&by);
    }
}

impl<R> fmt::Debug for ResponseFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
