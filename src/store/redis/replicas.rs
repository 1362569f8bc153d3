//! Replicas that should have what was written.

use std::fmt;
use std::time::Duration;

use crate::ConfigError;

/// How many, and for how many milliseconds to wait for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replicas {
    pub(super) count: u32,
    pub(super) millis: u64,
}

impl Replicas {
    /// An hour, where `WAIT` takes any number of milliseconds.
    const MAX_WAIT: u64 = 3_600_000;

    /// [`ConfigError::Zero`] if `count` is zero or `wait` below a millisecond,
    /// which would mean for ever.
    pub(crate) fn new(count: u32, wait: Duration) -> Result<Self, ConfigError> {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        for (is_zero, setting) in [
            (count == 0, "the number of replicas to wait for"),
            (millis == 0, "the wait for replicas, in milliseconds,"),
        ] {
            if is_zero {
                return Err(ConfigError::Zero { setting });
            }
        }
        let millis = millis.min(Self::MAX_WAIT);
        Ok(Self { count, millis })
    }

    pub(super) const fn wait(self) -> Duration {
        Duration::from_millis(self.millis)
    }
}

/// Too few replicas have what was written.
#[derive(Debug)]
pub(crate) struct TooFew {
    pub(super) reached: u32,
    pub(super) replicas: Replicas,
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replicas { count, millis } = self.replicas;
        let reached = self.reached;
        write!(
            f,
            "{reached} of {count} replicas acknowledged within {millis} ms"
        )
    }
}

impl std::error::Error for TooFew {}
