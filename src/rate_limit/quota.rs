use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::ConfigError;

/// How many requests a key may make: a bucket of `burst` requests that is
/// refilled by one every `interval`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Quota(governor::Quota);

impl Quota {
    /// `requests` in every `per`, all of which may come at once.
    ///
    /// An interval below a nanosecond becomes one, one above 73 years becomes
    /// 73 years.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `requests` or `per` is zero: nothing would
    /// ever be allowed, or everything.
    pub fn new(requests: u32, per: Duration) -> Result<Self, ConfigError> {
        let burst = NonZeroU32::new(requests).ok_or(ConfigError::Zero {
            setting: "the number of requests in a quota",
        })?;
        if per.is_zero() {
            return Err(ConfigError::Zero {
                setting: "the period of a quota",
            });
        }
        let interval = (per / requests).clamp(Duration::from_nanos(1), LONGEST);
        governor::Quota::with_period(interval)
            .map(|quota| Self(allow_burst(quota, burst)))
            .ok_or(ConfigError::Zero {
                setting: "the period of a quota",
            })
    }

    /// `requests` a second, all of which may come at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `requests` is zero.
    pub fn per_second(requests: u32) -> Result<Self, ConfigError> {
        Self::new(requests, Duration::from_secs(1))
    }

    /// `requests` a minute, all of which may come at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `requests` is zero.
    pub fn per_minute(requests: u32) -> Result<Self, ConfigError> {
        Self::new(requests, Duration::from_secs(60))
    }

    /// Lets `burst` requests come at once, at an unchanged rate.
    ///
    /// A burst that would take more than 73 years to be refilled becomes one
    /// that takes 73 years.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `burst` is zero.
    pub fn with_burst(self, burst: u32) -> Result<Self, ConfigError> {
        let burst = NonZeroU32::new(burst).ok_or(ConfigError::Zero {
            setting: "the burst of a quota",
        })?;
        Ok(Self(allow_burst(self.0, burst)))
    }

    /// How many requests may come at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.0.burst_size().get()
    }

    /// After how long one more request is allowed.
    #[must_use]
    pub const fn interval(self) -> Duration {
        self.0.replenish_interval()
    }

    /// After how long a used-up quota is whole again: the longest that this
    /// crate's limiters remember a key.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.0.burst_size_replenished_in()
    }

    pub(super) const fn into_governor(self) -> governor::Quota {
        self.0
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("burst", &self.burst())
            .field("interval", &self.interval())
            .finish()
    }
}

/// governor multiplies burst and interval in 64-bit nanoseconds, unchecked.
fn allow_burst(quota: governor::Quota, burst: NonZeroU32) -> governor::Quota {
    let most = LONGEST.as_nanos() / quota.replenish_interval().as_nanos().max(1);
    let most = u32::try_from(most).ok().and_then(NonZeroU32::new);
    quota.allow_burst(most.map_or(burst, |most| burst.min(most)))
}

/// 73 years: an eighth of what 64-bit nanoseconds can hold, so that sums of
/// a few such durations and the present cannot overflow.
const LONGEST: Duration = Duration::from_nanos(1 << 61);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quota_of_nothing_is_a_configuration_error() {
        let zero = |result: Result<Quota, _>| matches!(result, Err(ConfigError::Zero { .. }));
        assert!(zero(Quota::per_second(0)));
        assert!(zero(Quota::per_minute(0)));
        assert!(zero(Quota::new(1, Duration::ZERO)));
        assert!(zero(Quota::per_second(1).unwrap().with_burst(0)));
    }

    #[test]
    fn the_rate_is_spread_over_the_period_and_the_burst_is_apart() {
        let quota = Quota::per_minute(10).unwrap();
        assert_eq!(quota.interval(), Duration::from_secs(6));
        assert_eq!(quota.burst(), 10);
        let quota = quota.with_burst(3).unwrap();
        assert_eq!(quota.interval(), Duration::from_secs(6));
        assert_eq!(quota.period(), Duration::from_secs(18));
        assert_eq!(format!("{quota:?}"), "Quota { burst: 3, interval: 6s }");
    }

    proptest! {
        #[test]
        fn no_quota_overflows(requests in 1..=u32::MAX, seconds: u64, nanos in 1..1_000_000_000_u32, burst in 1..=u32::MAX) {
            let quota = Quota::new(requests, Duration::new(seconds, nanos)).unwrap();
            prop_assert!(quota.period() <= LONGEST);
            let quota = quota.with_burst(burst).unwrap();
            prop_assert!(quota.period() <= LONGEST);
            prop_assert!(quota.burst() >= 1 && quota.interval() >= Duration::from_nanos(1));
        }
    }
}
