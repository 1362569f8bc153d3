use std::fmt;

use tokio::sync::watch;

use super::PublishedError;
use crate::Timestamp;
use crate::clock::{Clock, MonotonicClock};

/// Why a refresh left the allowlist as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshError {
    /// The fetch function returned an error. Which one, the function knows.
    Fetch,
    /// The fetch function did not return in time.
    Timeout,
    /// The document was not taken.
    Document(PublishedError),
    /// The document lists less than the least share of what is on the list.
    Shrunk,
}

impl RefreshError {
    pub(super) const fn sentence(&self) -> &'static str {
        match self {
            Self::Fetch => "the published addresses could not be fetched",
            Self::Timeout => "the published addresses did not come in time",
            Self::Document(_) => "the published addresses could not be read",
            Self::Shrunk => "the published addresses are far fewer than before",
        }
    }
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())?;
        match self {
            Self::Document(error) => write!(f, " ({error})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for RefreshError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Document(error) => Some(error),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_error: Option<RefreshError>,
    pub(super) failures: u32,
    pub(super) fresh_until: Timestamp,
}

/// How an [`AllowlistRefresher`](super::AllowlistRefresher) is doing, for
/// health checks and metrics.
///
/// Cheap to clone; always shows the present state. It outlives the
/// refresher: if that has ended, the list grows stale.
#[derive(Clone, Debug)]
pub struct RefreshStatus {
    pub(super) state: watch::Receiver<State>,
    pub(super) clock: MonotonicClock,
}

impl RefreshStatus {
    /// When the list was last replaced by a published one. `None` as long as
    /// it is the one it was made with.
    #[must_use]
    pub fn last_success(&self) -> Option<Timestamp> {
        self.state.borrow().last_success
    }

    /// How often refreshing has failed since it last succeeded.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.state.borrow().failures
    }

    /// Why it failed last; `None` if it has succeeded since.
    #[must_use]
    pub fn last_error(&self) -> Option<RefreshError> {
        self.state.borrow().last_error
    }

    /// Whether refreshing has not succeeded for longer than the
    /// [limit](super::AllowlistRefresher::with_stale_after), counted from the
    /// making of the refresher at first.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.clock.now() >= self.state.borrow().fresh_until
    }

    /// Waits until the next refresh has succeeded or failed. Returns `false`,
    /// then and from then on, if the refresher is gone.
    pub async fn changed(&mut self) -> bool {
        self.state.changed().await.is_ok()
    }
}
