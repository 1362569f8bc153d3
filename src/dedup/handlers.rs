use std::fmt;
use std::future::Future;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The handlers that are running behind a
/// [`DedupLayer`](super::DedupLayer), those that lost their connection
/// included.
#[derive(Clone)]
pub struct Handlers {
    tracker: TaskTracker,
}

impl Handlers {
    pub(crate) fn new() -> Self {
        Self {
            tracker: TaskTracker::new(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until there is none.
    ///
    /// Call it after the server has stopped taking requests and before the
    /// runtime is dropped: what still runs then is cut off, and its events
    /// wait for their leases to run out. Bound it with `tokio::time::timeout`.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    pub(super) fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Runs `task` to its end, whoever waits for it. Without a runtime, or in
    /// one that is shutting down, it is dropped.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(self.tracker.track_future(task));
        }
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("running", &self.running())
            .finish()
    }
}
