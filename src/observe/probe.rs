//! What the guard has around it: a handler that only looks, and answers that
//! nobody gets.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use tower::Service;

use super::case::{Case, Outcome};
use crate::VerifiedBody;
use crate::rejection::{Rejection, RejectionResponse};

/// The guard's handler: notes that it was called, and answers as the inner
/// service does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe;

/// Which request it is, in the extensions of the guard's copy.
#[derive(Clone)]
pub(super) struct Link(pub(super) Arc<Case>);

/// The body of an answer that nobody gets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nothing;

impl From<String> for Nothing {
    fn from(_: String) -> Self {
        Self
    }
}

/// The inner service gave no answer.
#[derive(Debug)]
pub(super) struct Unanswered;

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the observed service gave no answer")
    }
}

impl std::error::Error for Unanswered {}

impl Service<Request<VerifiedBody>> for Probe {
    type Response = Response<Nothing>;
    type Error = Unanswered;
    type Future = Answer;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Unanswered>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Answer {
        let link = request.extensions().get::<Link>();
        Answer(link.and_then(|link| link.0.accepted()))
    }
}

pub(super) struct Answer(Option<Outcome>);

impl Future for Answer {
    type Output = Result<Response<Nothing>, Unanswered>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(outcome) = &mut self.0 else {
            return Poll::Ready(Err(Unanswered));
        };
        let status = ready!(Pin::new(outcome).poll(cx)).map_err(|_| Unanswered)?;
        let mut response = Response::new(Nothing);
        *response.status_mut() = status;
        Poll::Ready(Ok(response))
    }
}

/// The sender never gets it; the reason is in the extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsent;

impl RejectionResponse<Nothing> for Unsent {
    fn respond(&self, rejection: &Rejection) -> Response<Nothing> {
        let mut response = Response::new(Nothing);
        *response.status_mut() = rejection.status();
        response
    }
}
