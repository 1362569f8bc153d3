//! The suite for stores finds those that break the protocol. Each of these has
//! one bug.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_webhook::store::conformance::{self, AdvanceFuture, Env};
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, MemoryStore, Owner, Released,
    Renewed, StoreError, StoreFuture,
};
use tower_webhook::testing::ManualClock;

use crate::support::NOW;

const LEASE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
enum Bug {
    None,
    Fails,
    /// Whoever asks has won.
    Generous,
    /// Says that a lease holds for no more time.
    BusyForNothing,
    /// Says that a lease holds for longer than it may.
    BusyForEver,
    /// Says that a duplicate is remembered for no more time.
    ForgetsAtOnce,
    RemembersForEver,
    /// Takes a completion from an owner that was replaced.
    Unfenced,
    /// Counts every attempt as the first.
    LosesCount,
    PanicsAtCompletion,
    ForgetsNothing,
}

struct Broken {
    bug: Bug,
    inner: MemoryStore,
    clock: Arc<ManualClock>,
}

impl Broken {
    fn new(bug: Bug) -> Arc<Self> {
        let clock = Arc::new(ManualClock::new(NOW));
        let inner = MemoryStore::new(10_000).unwrap();
        let inner = inner.with_clock(Arc::clone(&clock) as _);
        Arc::new(Self { bug, inner, clock })
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bug.fmt(f)
    }
}

impl DedupStore for Broken {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async {
            let claimed = self.inner.claim(claim).await?;
            Ok(match (self.bug, claimed) {
                (Bug::Fails, _) => return Err(StoreError::unavailable("down")),
                (Bug::Generous, Claimed::Busy { attempt, .. }) => Claimed::Won { attempt },
                (Bug::BusyForNothing, Claimed::Busy { attempt, .. }) => Claimed::Busy {
                    remaining: Duration::ZERO,
                    attempt,
                },
                (Bug::BusyForEver, Claimed::Busy { attempt, .. }) => Claimed::Busy {
                    remaining: LEASE * 2,
                    attempt,
                },
                (
                    Bug::ForgetsAtOnce | Bug::RemembersForEver,
                    Claimed::Duplicate {
                        status, attempt, ..
                    },
                ) => Claimed::Duplicate {
                    status,
                    attempt,
                    expires_in: match self.bug {
                        Bug::ForgetsAtOnce => Duration::ZERO,
                        _ => Duration::MAX,
                    },
                },
                (Bug::LosesCount, Claimed::Won { .. }) => Claimed::Won { attempt: 1 },
                (_, claimed) => claimed,
            })
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        self.inner.renew(key, owner, lease, ttl)
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async move {
            let completed = self.inner.complete(key, owner, completion).await?;
            Ok(match (self.bug, completed) {
                (Bug::PanicsAtCompletion, _) => panic!("a bug"),
                (Bug::Unfenced, Completed::LeaseLost) => Completed::Done,
                (_, completed) => completed,
            })
        })
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        self.inner.release(key, owner)
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        match self.bug {
            Bug::ForgetsNothing => Box::pin(async { Ok(true) }),
            _ => self.inner.forget(key),
        }
    }
}

struct Virtual(Arc<Broken>);

impl Env for Virtual {
    fn store(&self) -> Arc<dyn DedupStore> {
        Arc::clone(&self.0) as _
    }

    fn lease(&self) -> Duration {
        LEASE
    }

    fn advance(&self, by: Duration) -> AdvanceFuture<'_> {
        self.0.clock.advance(by);
        Box::pin(std::future::ready(()))
    }
}

/// What the suite said, if it panicked.
async fn verdict(bug: Bug) -> Option<String> {
    let checked = tokio::spawn(async move {
        conformance::check(&Virtual(Broken::new(bug))).await;
    });
    let panic = checked.await.err()?.into_panic();
    Some(
        panic
            .downcast::<String>()
            .map_or_else(|_| String::new(), |said| *said),
    )
}

#[tokio::test]
async fn a_store_that_breaks_a_rule_is_found() {
    assert_eq!(verdict(Bug::None).await, None);
    for (bug, said) in [
        (Bug::Fails, "claim failed: the store is unavailable"),
        (Bug::Generous, "got Won"),
        (Bug::BusyForNothing, "still holds for 0ns"),
        (Bug::BusyForEver, "still holds for 60s"),
        (Bug::ForgetsAtOnce, "is for 0ns more"),
        (Bug::RemembersForEver, "is for 18446744073709551615"),
        (Bug::Unfenced, "got Completed(Done)"),
        (Bug::LosesCount, "expected Won(2), got Won(1)"),
        (Bug::PanicsAtCompletion, ""),
        (Bug::ForgetsNothing, ""),
    ] {
        let found = verdict(bug).await;
        let found = found.unwrap_or_else(|| panic!("{bug:?} was not found"));
        assert!(found.contains(said), "{bug:?}: {found}");
    }
}
