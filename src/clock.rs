//! Where the time comes from.
//!
//! Layers and stores ask a [`Clock`]; everything below them takes a
//! [`Timestamp`]. A manual clock for tests is in `testing` (feature
//! `testing`).

use std::fmt;
use std::time::SystemTime;

use crate::Timestamp;

/// A source of the current time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The system's wall clock: what senders' timestamps are compared with.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// Wall time when it was made, monotonic from then on.
///
/// Leases, limits and lifetimes inside one process are measured with this
/// clock, so that a step of the system clock (NTP, an administrator) neither
/// ends a lease early nor holds it longer. Follows tokio's paused time in
/// tests.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    started_at: Timestamp,
    started: tokio::time::Instant,
}

impl MonotonicClock {
    /// A clock that starts at the system's present wall time.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started_at: SystemClock.now(),
            started: tokio::time::Instant::now(),
        }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Timestamp {
        self.started_at.saturating_add(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_monotonic_clock_advances_with_the_runtime() {
        let clock = MonotonicClock::new();
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(
            clock.now().saturating_duration_since(before),
            Duration::from_secs(30)
        );
    }
}
