use std::fmt;

use tokio_util::sync::CancellationToken;

/// A handler's hold on its event, in the request's extensions.
///
/// While the handler runs, the lease is renewed for it. If the store was out
/// of reach for longer than the lease, another delivery may have taken over:
/// then the lease is lost, and effects that must not happen twice should
/// carry [`attempt`](Self::attempt) as a fencing number
/// (`… WHERE last_attempt < $attempt`).
#[derive(Clone)]
pub struct Lease {
    attempt: u32,
    lost: CancellationToken,
}

impl Lease {
    pub(super) fn new(attempt: u32) -> Self {
        Self {
            attempt,
            lost: CancellationToken::new(),
        }
    }

    /// 1 for the first time the event is processed, one more each time it is
    /// taken again.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether another delivery may have taken over.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Waits until the lease is lost; for ever, if it never is.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub(super) fn lose(&self) {
        self.lost.cancel();
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("attempt", &self.attempt)
            .field("is_lost", &self.is_lost())
            .finish()
    }
}
