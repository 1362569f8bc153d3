use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::RateKey;

/// Counts requests by key against a quota.
///
/// [`MemoryRateLimiter`](super::MemoryRateLimiter) is the embedded default;
/// implement this for a limit that a fleet shares. The futures own what they
/// need (clone a connection into them), and are dropped unfinished when the
/// sender disconnects. They should end within a time that a sender can wait
/// for: the layers set no deadline. When one ends in an error, the layer falls
/// back to its own in-memory limiter with its own quota.
pub trait RateLimiter: fmt::Debug + Send + Sync {
    /// Whether a request of `key` would be within the quota now; takes
    /// nothing from it.
    fn check(&self, key: RateKey) -> LimiterFuture;

    /// Takes one request from the quota of `key` if that is possible, in one
    /// atomic step, and answers whether it was; a request over the quota takes
    /// nothing.
    fn charge(&self, key: RateKey) -> LimiterFuture;
}

/// The answer of a [`RateLimiter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Allowance {
    /// The request is within the quota.
    Allowed,
    /// The request is over the quota.
    Limited {
        /// How long until one more request is allowed, if none comes before.
        retry_after: Duration,
    },
}

/// What the operations of a [`RateLimiter`] return: an answer that is there
/// at once, or one that has to be waited for. Only the latter is allocated.
pub struct LimiterFuture(Answer);

enum Answer {
    Ready(Option<Result<Allowance, LimiterError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<Allowance, LimiterError>> + Send>>),
}

impl LimiterFuture {
    /// An answer that is known already.
    #[must_use]
    pub const fn ready(answer: Result<Allowance, LimiterError>) -> Self {
        Self(Answer::Ready(Some(answer)))
    }

    /// An answer that has to be waited for.
    pub fn boxed(
        future: impl Future<Output = Result<Allowance, LimiterError>> + Send + 'static,
    ) -> Self {
        Self(Answer::Boxed(Box::pin(future)))
    }

    /// The answer, if it can be had without waiting.
    pub(super) fn now_or_later(self) -> Result<Result<Allowance, LimiterError>, Self> {
        match self.0 {
            Answer::Ready(Some(answer)) => Ok(answer),
            later => Err(Self(later)),
        }
    }
}

/// Stays pending when polled again after the answer.
impl Future for LimiterFuture {
    type Output = Result<Allowance, LimiterError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Answer::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Answer::Boxed(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for LimiterFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimiterFuture").finish_non_exhaustive()
    }
}

/// Why a [`RateLimiter`] has no answer.
#[derive(Debug)]
pub struct LimiterError(Box<dyn std::error::Error + Send + Sync>);

impl LimiterError {
    /// The limiter's store does not answer, because of `cause`.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for LimiterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rate limiter does not answer")
    }
}

impl std::error::Error for LimiterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
