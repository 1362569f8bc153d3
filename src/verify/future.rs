use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;

use super::layer::Config;
use super::receive::receive;
use crate::oneshot::Oneshot;
use crate::rejection::{Rejection, RejectionResponse};
use crate::{Delivery, VerifiedBody, telemetry};

pin_project! {
    /// Response future of [`Verify`](super::Verify).
    pub struct ResponseFuture<R, B, E> {
        state: State<B, E>,
        rejection: R,
    }
}

/// The inner service's response, or why it was not called.
type Outcome<B> = Result<Response<B>, Rejection>;

enum State<B, E> {
    Rejected(Option<Rejection>),
    Running(Pin<Box<dyn Future<Output = Result<Outcome<B>, E>> + Send>>),
}

impl<R, B, E> ResponseFuture<R, B, E> {
    pub(super) fn rejected(by: Rejection, rejection: R) -> Self {
        Self {
            state: State::Rejected(Some(by)),
            rejection,
        }
    }

    pub(super) fn running(
        future: impl Future<Output = Result<Outcome<B>, E>> + Send + 'static,
        rejection: R,
    ) -> Self {
        Self {
            state: State::Running(Box::pin(future)),
            rejection,
        }
    }
}

impl<R, B, E> Future for ResponseFuture<R, B, E>
where
    R: RejectionResponse<B>,
{
    type Output = Result<Response<B>, E>;

    #[expect(
        clippy::expect_used,
        reason = "polling a finished future is the caller's bug"
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = match this.state {
            State::Rejected(by) => {
                Err(by.take().expect("`ResponseFuture` polled after completion"))
            }
            State::Running(future) => ready!(future.as_mut().poll(cx))?,
        };
        Poll::Ready(Ok(
            outcome.unwrap_or_else(|by| by.into_response(this.rejection))
        ))
    }
}

impl<R, B, E> fmt::Debug for ResponseFuture<R, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// Not an `async fn`, which would hold its arguments twice.
pub(super) fn verify_then_call<S, ReqBody, ResBody>(
    inner: S,
    config: Arc<Config>,
    request: Request<ReqBody>,
) -> impl Future<Output = Result<Outcome<ResBody>, S::Error>>
where
    S: Service<Request<VerifiedBody>, Response = Response<ResBody>>,
    ReqBody: Body<Data = Bytes>,
{
    let (mut parts, body) = request.into_parts();
    async move {
        // In a scope of its own: what is needed until the verdict shares its room
        // with the inner service's future.
        let delivery = {
            let current;
            let verifier = match config.verifier.known() {
                Some(verifier) => verifier,
                None => {
                    current = config.verifier.current();
                    &current
                }
            };
            let now = config.clock.now();
            let mut check = match verifier.begin(&parts, now) {
                Ok(check) => check,
                Err(rejection) => {
                    config.explain(verifier, &parts, None, now, &rejection);
                    return Ok(Err(rejection));
                }
            };
            check.announce(body.size_hint().lower());
            if let Err(rejection) = receive(body, &config.limits, |data| check.update(data)).await {
                return Ok(Err(verifier.decorate(rejection)));
            }
            let explainer = config.explainer.as_deref();
            // To explain a refusal, the body is kept.
            if config.verifier.asks() || explainer.is_some() {
                let body = check.into_body();
                let verdict = config
                    .verifier
                    .verify_received(&parts, body, now, explainer);
                // Boxed, so that nobody else has to hold the room for it.
                match Box::pin(verdict).await {
                    Ok((delivery, tenant)) => {
                        if let Some(tenant) = tenant {
                            parts.extensions.insert(tenant);
                        }
                        delivery
                    }
                    Err(rejection) => return Ok(Err(rejection)),
                }
            } else {
                match check.finish() {
                    Ok(verified) => Delivery::from(verified),
                    Err(rejection) => return Ok(Err(rejection)),
                }
            }
        };
        telemetry::verified(delivery.provider(), delivery.key_label());
        parts.extensions.insert(delivery.clone());

        let request = Request::from_parts(parts, VerifiedBody::new(delivery));
        Oneshot::new(inner, request).await.map(Ok)
    }
}
