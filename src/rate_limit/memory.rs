use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;

use super::buckets::{Buckets, Probe};
use super::limiter::{Allowance, LimiterFuture, RateLimiter};
use super::{Quota, RateKey};
use crate::clock::MonotonicClock;
use crate::{Clock, ConfigError};

/// A rate limiter in the memory of one process, which never waits.
///
/// The algorithm is the generic cell rate algorithm (GCRA) of the crate
/// `governor`. Memory is bounded: at most `max_keys` keys (100 000 unless
/// told) of 24 bytes each are held, and keys that came to rest make room for
/// new ones without housekeeping. Keys for which there is no room are charged
/// to one of several overflow buckets, so choose about twice as many as you
/// expect to be active within one [`Quota::period`]. A check lets them pass: a
/// flood of strangers shuts out no caller that has not failed itself.
///
/// Time has the resolution of [`Clock`], a millisecond. When the clock is set
/// back, a key waits for at most one period.
pub struct MemoryRateLimiter {
    quota: Quota,
    max_keys: NonZeroUsize,
    clock: Arc<dyn Clock>,
    governor: governor::RateLimiter<Probe, Buckets, GovernorClock, NoOpMiddleware<Nanos>>,
}

impl MemoryRateLimiter {
    /// A limiter that gives every key `quota`.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self::build(quota, DEFAULT_MAX_KEYS, Arc::new(MonotonicClock::new()))
    }

    /// Holds at most `max_keys` keys, rounded down to a multiple of 32 from
    /// 32 on. Forgets what was counted before.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `max_keys` is zero.
    pub fn with_max_keys(self, max_keys: usize) -> Result<Self, ConfigError> {
        let max_keys = NonZeroUsize::new(max_keys).ok_or(ConfigError::Zero {
            setting: "the number of keys of a rate limiter",
        })?;
        Ok(Self::build(self.quota, max_keys, self.clock))
    }

    /// Measures time with `clock` instead of a [`MonotonicClock`]. Forgets
    /// what was counted before.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self::build(self.quota, self.max_keys, clock)
    }

    /// The quota of every key.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    fn build(quota: Quota, max_keys: NonZeroUsize, clock: Arc<dyn Clock>) -> Self {
        let buckets = Buckets::new(quota, max_keys.get());
        let governor =
            governor::RateLimiter::new(quota.into_governor(), buckets, GovernorClock::default());
        // Only now, see there.
        let _ = governor.clock().source.set(Arc::clone(&clock));
        Self {
            quota,
            max_keys,
            clock,
            governor,
        }
    }

    pub(super) fn check_now(&self, key: RateKey) -> Allowance {
        self.ask(Probe { key, dry_run: true })
    }

    pub(super) fn charge_now(&self, key: RateKey) -> Allowance {
        self.ask(Probe {
            key,
            dry_run: false,
        })
    }

    fn ask(&self, probe: Probe) -> Allowance {
        match self.governor.check_key(&probe) {
            Ok(()) => Allowance::Allowed,
            Err(not_until) => Allowance::Limited {
                retry_after: not_until.wait_time_from(self.governor.clock().now()),
            },
        }
    }

    /// How many keys are held.
    #[cfg(test)]
    pub(super) fn into_len(self) -> usize {
        self.governor.into_state_store().len()
    }
}

impl RateLimiter for MemoryRateLimiter {
    fn check(&self, key: RateKey) -> LimiterFuture {
        LimiterFuture::ready(Ok(self.check_now(key)))
    }

    fn charge(&self, key: RateKey) -> LimiterFuture {
        LimiterFuture::ready(Ok(self.charge_now(key)))
    }
}

impl fmt::Debug for MemoryRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRateLimiter")
            .field("quota", &self.quota)
            .field("max_keys", &self.max_keys)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

const DEFAULT_MAX_KEYS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(100_000 - 1);

/// Our clock as governor's: nanoseconds since the Unix epoch.
///
/// governor counts from the reading it takes when it is built, and stands
/// still while the clock reads less than that. Without a source, the clock
/// reads the epoch; the source is set when governor has been built. So no step
/// of the clock takes it to before governor's start.
#[derive(Default)]
struct GovernorClock {
    source: OnceLock<Arc<dyn Clock>>,
}

impl governor::clock::Clock for GovernorClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let millis = self
            .source
            .get()
            .map_or(0, |clock| clock.now().unix_millis());
        let nanos = u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000);
        // governor adds a few durations to it, unchecked; no quota has one
        // above 2^61.
        Nanos::new(nanos.min(1 << 63))
    }
}
