use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use crate::rejection::{Refusals, Rejection, RejectionKind, RejectionResponse};
use crate::telemetry;

pin_project! {
    /// Response future of the services that look at headers alone: the inner
    /// service's, or a refusal that is there at once.
    pub struct ResponseFuture<F>
    where
        F: Future,
    {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F>
    where
        F: Future,
    {
        Inner {
            #[pin]
            future: F,
        },
        Rejected {
            response: Ready<F::Output>,
        },
    }
}

/// Calls `inner` with a request that passed its check, and answers another with
/// its refusal.
pub(crate) fn call<S, R, ReqBody, ResBody>(
    inner: &mut S,
    request: Request<ReqBody>,
    checked: Result<(), Rejection>,
    refusals: &Refusals<R>,
) -> ResponseFuture<S::Future>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: RejectionResponse<ResBody>,
{
    match checked {
        Ok(()) => ResponseFuture::inner(inner.call(request)),
        Err(rejection) => {
            // Not the caller's doing: the server or the proxy is set up
            // wrongly, and keeps everybody out.
            if rejection.kind() == RejectionKind::AddressUnknown {
                telemetry::trouble("", "the caller's address cannot be established");
            }
            ResponseFuture::rejected(Ok(refusals.answer(rejection)))
        }
    }
}

impl<F: Future> ResponseFuture<F> {
    const fn inner(future: F) -> Self {
        Self {
            kind: Kind::Inner { future },
        }
    }

    fn rejected(response: F::Output) -> Self {
        Self {
            kind: Kind::Rejected {
                response: ready(response),
            },
        }
    }
}

impl<F: Future> Future for ResponseFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Inner { future } => future.poll(cx),
            KindProj::Rejected { response } => Pin::new(response).poll(cx),
        }
    }
}

// By hand, because the futures of services are rarely `Debug`.
impl<F: Future> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
