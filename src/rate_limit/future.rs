use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::RateKey;
use super::limiter::{Allowance, LimiterFuture};
use super::limits::{Ask, Asked, Limits};
use crate::rejection::{Refusals, Rejection, RejectionKind, RejectionResponse};

pin_project! {
    /// The future of a [`RateLimit`](super::RateLimit) service.
    pub struct ResponseFuture<S, ReqBody, R>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, ReqBody, R>
    where
        S: Service<Request<ReqBody>>,
    {
        Refused {
            response: Option<S::Response>,
        },
        Checking {
            answer: LimiterFuture,
            gate: Gate<ReqBody>,
            next: Option<(S, Request<ReqBody>, Refusals<R>)>,
        },
        Calling {
            #[pin]
            inner: S::Future,
            failures: Option<Account>,
        },
        Charging {
            answer: LimiterFuture,
            account: Account,
            response: Option<S::Response>,
        },
    }
}

/// Whose quota counts.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) limits: Arc<Limits>,
    pub(super) key: RateKey,
}

/// What one request has to pass.
pub(super) struct Gate<ReqBody> {
    pub(super) account: Account,
    pub(super) ask: Ask,
    /// Whether the account is charged when the response says that the
    /// request failed.
    pub(super) charge_failures: bool,
    pub(super) refusal: fn(&Request<ReqBody>) -> Rejection,
}

impl<S, ReqBody, R> ResponseFuture<S, ReqBody, R>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) const fn calling(inner: S::Future, failures: Option<Account>) -> Self {
        Self {
            state: State::Calling { inner, failures },
        }
    }

    pub(super) fn refused<ResBody>(rejection: Rejection, refusals: &Refusals<R>) -> Self
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        R: RejectionResponse<ResBody>,
    {
        Self {
            state: State::Refused {
                response: Some(refusals.answer(rejection)),
            },
        }
    }
}

impl<ReqBody> Gate<ReqBody> {
    /// Calls `inner`, which is ready, if the request passes.
    pub(super) fn enter<S, R, ResBody>(
        self,
        inner: &mut S,
        request: Request<ReqBody>,
        refusals: &Refusals<R>,
    ) -> ResponseFuture<S, ReqBody, R>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
        R: RejectionResponse<ResBody> + Clone,
    {
        match self.account.limits.ask(self.ask, self.account.key) {
            Asked::Now(Allowance::Allowed) => {
                ResponseFuture::calling(inner.call(request), self.into_failures())
            }
            Asked::Now(Allowance::Limited { retry_after }) => {
                ResponseFuture::refused(self.refuse(&request, retry_after), refusals)
            }
            Asked::Later(answer) => {
                // The clone is not ready; the one that is must be called.
                let clone = inner.clone();
                let ready = mem::replace(inner, clone);
                ResponseFuture {
                    state: State::Checking {
                        answer,
                        gate: self,
                        next: Some((ready, request, refusals.clone())),
                    },
                }
            }
        }
    }

    fn refuse(&self, request: &Request<ReqBody>, retry_after: Duration) -> Rejection {
        (self.refusal)(request).with_retry_after(retry_after)
    }

    fn into_failures(self) -> Option<Account> {
        self.charge_failures.then_some(self.account)
    }
}

impl<S, ReqBody, R, ResBody> Future for ResponseFuture<S, ReqBody, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    R: RejectionResponse<ResBody> + Clone,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Refused { response } => {
                    return finished(response);
                }
                StateProjection::Checking { answer, gate, next } => {
                    let answer = ready!(Pin::new(answer).poll(cx));
                    let Some((mut inner, request, refusals)) = next.take() else {
                        return Poll::Pending;
                    };
                    let Account { limits, key } = &gate.account;
                    match limits.settle(gate.ask, *key, answer) {
                        Allowance::Allowed => State::Calling {
                            inner: inner.call(request),
                            failures: gate.charge_failures.then(|| gate.account.clone()),
                        },
                        Allowance::Limited { retry_after } => {
                            let rejection = gate.refuse(&request, retry_after);
                            Self::refused(rejection, &refusals).state
                        }
                    }
                }
                StateProjection::Calling { inner, failures } => {
                    let response = ready!(inner.poll(cx))?;
                    match failures.take().filter(|_| is_charged(&response)) {
                        None => return Poll::Ready(Ok(response)),
                        Some(account) => match account.limits.ask(Ask::Charge, account.key) {
                            Asked::Now(_) => return Poll::Ready(Ok(response)),
                            Asked::Later(answer) => State::Charging {
                                answer,
                                account,
                                response: Some(response),
                            },
                        },
                    }
                }
                StateProjection::Charging {
                    answer,
                    account,
                    response,
                } => {
                    let answer = ready!(Pin::new(answer).poll(cx));
                    account.limits.settle(Ask::Charge, account.key, answer);
                    return finished(response);
                }
            };
            state.set(next);
        }
    }
}

fn finished<T, E>(response: &mut Option<T>) -> Poll<Result<T, E>> {
    // Stays pending when polled again, rather than panic.
    response
        .take()
        .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
}

/// Whether the response says that the caller made us work in vain.
fn is_charged<ResBody>(response: &Response<ResBody>) -> bool {
    response
        .extensions()
        .get()
        .map(Rejection::kind)
        .is_some_and(|kind| {
            kind.is_verification_failure()
                || matches!(
                    kind,
                    RejectionKind::BodyTooLarge
                        | RejectionKind::BodyTimeout
                        | RejectionKind::BodyUnreadable
                )
        })
}

impl<S, ReqBody, R> fmt::Debug for ResponseFuture<S, ReqBody, R>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
