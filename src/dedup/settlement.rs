//! How a row ends that is held, also if the store does not take it at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::layer::Config;
use super::step::step;
use crate::store::{Completion, DedupKey, Owner, StoreError};
use crate::telemetry;

/// What is to become of a row that is held.
#[derive(Clone, Copy)]
pub(super) enum Settlement {
    Done(Completion),
    Hold { lease: Duration, ttl: Duration },
}

impl Settlement {
    pub(super) async fn take(
        self,
        config: &Config,
        key: &DedupKey,
        owner: Owner,
    ) -> Result<(), StoreError> {
        let (store, timeout) = (&config.store, config.store_timeout);
        match self {
            Self::Done(completion) => {
                let completed = store.complete(key, owner, completion);
                step(timeout, completed).await.map(drop)
            }
            Self::Hold { lease, ttl } => {
                let renewed = store.renew(key, owner, lease, ttl);
                step(timeout, renewed).await.map(drop)
            }
        }
    }

    /// Tries again until the lease is over, when somebody else may have taken
    /// over. Whether it was settled by then.
    async fn take_in_time(self, config: &Config, key: &DedupKey, owner: Owner) -> bool {
        let interval = (config.renew_interval() / 10).min(Duration::from_secs(1));
        let started = Instant::now();
        while started.elapsed() < config.lease {
            sleep(interval).await;
            if self.take(config, key, owner).await.is_ok() {
                return true;
            }
        }
        false
    }
}

/// What was claimed, but may not be known to be, is free again.
pub(super) async fn give_back(
    config: Arc<Config>,
    keys: impl Iterator<Item = DedupKey>,
    owner: Owner,
) {
    for key in keys {
        let _ = step(config.store_timeout, config.store.release(&key, owner)).await;
    }
}

/// Goes on with a completion that failed.
pub(super) async fn complete_later(
    config: Arc<Config>,
    key: DedupKey,
    owner: Owner,
    completion: Completion,
) {
    let done = Settlement::Done(completion);
    if !done.take_in_time(&config, &key, owner).await {
        telemetry::trouble(
            "",
            "an event was processed and could not be marked done; it may be processed again",
        );
    }
}

/// Goes on with a hold that failed.
pub(super) async fn hold_later(config: Arc<Config>, key: DedupKey, owner: Owner, hold: Settlement) {
    if !hold.take_in_time(&config, &key, owner).await {
        let what = "another attempt's signature could not be held; it may be used under another id";
        telemetry::trouble("", what);
    }
}
