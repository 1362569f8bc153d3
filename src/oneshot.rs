use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::Service;

pin_project! {
    /// Makes a service ready, calls it and waits: late readiness in one place.
    ///
    /// Request and response future share their room, which an `async fn` would
    /// not let them do.
    #[project = OneshotProject]
    pub(crate) enum Oneshot<S, Request>
    where
        S: Service<Request>,
    {
        NotReady {
            service: S,
            request: Option<Request>,
        },
        Called {
            #[pin]
            future: S::Future,
        },
    }
}

impl<S: Service<Request>, Request> Oneshot<S, Request> {
    pub(crate) const fn new(service: S, request: Request) -> Self {
        Self::NotReady {
            service,
            request: Some(request),
        }
    }
}

impl<S: Service<Request>, Request> Future for Oneshot<S, Request> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                OneshotProject::Called { future } => return future.poll(cx),
                OneshotProject::NotReady { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let Some(request) = request.take() else {
                        // Only after a panic in `call`; there is nothing left to wait for.
                        return Poll::Pending;
                    };
                    service.call(request)
                }
            };
            self.set(Self::Called { future });
        }
    }
}
