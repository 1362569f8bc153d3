//! Whether the server is worth asking.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry;

/// For how long nobody asks a server that failed, but one request at the end.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// Keeps requests from waiting for a server that does not answer.
#[derive(Debug)]
pub(super) struct Outage {
    started: Instant,
    /// When the next request may ask, in milliseconds since the start; 0 when
    /// the server is well. Guards no other memory.
    ask_at: AtomicU64,
}

impl Outage {
    pub(super) fn none() -> Self {
        Self {
            started: Instant::now(),
            ask_at: AtomicU64::new(0),
        }
    }

    /// Whether a request should ask the server. During an outage, one in every
    /// second should.
    pub(super) fn permits_asking(&self) -> bool {
        let ask_at = self.ask_at.load(Ordering::Relaxed);
        if ask_at == 0 {
            return true;
        }
        let (now, next) = self.now_and_next();
        let order = Ordering::Relaxed;
        now >= ask_at
            && self
                .ask_at
                .compare_exchange(ask_at, next, order, order)
                .is_ok()
    }

    /// The server has failed.
    pub(super) fn begin(&self) {
        let (_, next) = self.now_and_next();
        if self.ask_at.swap(next, Ordering::Relaxed) == 0 {
            telemetry::trouble(
                "",
                "Redis does not answer the rate limiter; limiting locally",
            );
        }
    }

    /// The server has answered.
    pub(super) fn end(&self) {
        self.ask_at.store(0, Ordering::Relaxed);
    }

    fn now_and_next(&self) -> (u64, u64) {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let now = self.started.elapsed();
        (millis(now), millis(now + COOL_DOWN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_request_in_a_second_asks_during_an_outage() {
        let outage = Outage::none();
        assert!(outage.permits_asking() && outage.permits_asking());
        outage.begin();
        assert!(!outage.permits_asking());
        for _ in 0..3 {
            tokio::time::advance(COOL_DOWN).await;
            assert!(outage.permits_asking());
            assert!(!outage.permits_asking());
        }
        outage.end();
        assert!(outage.permits_asking() && outage.permits_asking());
    }
}
