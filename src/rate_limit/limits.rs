use std::sync::Arc;

use super::limiter::{Allowance, LimiterError, LimiterFuture, RateLimiter};
use super::{MemoryRateLimiter, RateKey};
use crate::telemetry;

/// The limiters of a layer: its own, and perhaps one that is asked first.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) local: Arc<MemoryRateLimiter>,
    pub(super) shared: Option<Arc<dyn RateLimiter>>,
}

/// What a limiter is asked to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Check,
    Charge,
}

impl Ask {
    pub(super) fn locally(self, limiter: &MemoryRateLimiter, key: RateKey) -> Allowance {
        match self {
            Self::Check => limiter.check_now(key),
            Self::Charge => limiter.charge_now(key),
        }
    }
}

pub(super) enum Asked {
    Now(Allowance),
    Later(LimiterFuture),
}

impl Limits {
    pub(super) fn ask(&self, ask: Ask, key: RateKey) -> Asked {
        let Some(shared) = &self.shared else {
            return Asked::Now(ask.locally(&self.local, key));
        };
        let answer = match ask {
            Ask::Check => shared.check(key),
            Ask::Charge => shared.charge(key),
        };
        match answer.now_or_later() {
            Ok(answer) => Asked::Now(self.settle(ask, key, answer)),
            Err(later) => Asked::Later(later),
        }
    }

    /// A limiter that is down must not take the route with it, nor open it to
    /// a flood: this process's own limiter decides instead.
    pub(super) fn settle(
        &self,
        ask: Ask,
        key: RateKey,
        answer: Result<Allowance, LimiterError>,
    ) -> Allowance {
        answer.unwrap_or_else(|_| {
            telemetry::trouble("", "the rate limiter does not answer; limiting locally");
            ask.locally(&self.local, key)
        })
    }
}
