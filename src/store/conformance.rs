//! What every [`DedupStore`] must do, as a test to run against yours.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use tower_webhook::store::conformance::{self, AdvanceFuture, Env};
//! use tower_webhook::store::{DedupStore, MemoryStore};
//!
//! /// A store with a clock of its own, which can only be waited for.
//! struct Sleeping(Arc<dyn DedupStore>);
//!
//! impl Env for Sleeping {
//!     fn store(&self) -> Arc<dyn DedupStore> {
//!         Arc::clone(&self.0)
//!     }
//!     fn lease(&self) -> Duration {
//!         Duration::from_millis(200)
//!     }
//!     fn advance(&self, by: Duration) -> AdvanceFuture<'_> {
//!         Box::pin(tokio::time::sleep(by))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! conformance::check(&Sleeping(Arc::new(MemoryStore::default()))).await;
//! # }
//! ```

#![allow(clippy::panic)] // to panic is what it is for

mod cells;
mod stories;

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Fingerprint, Owner, Released,
    Renewed, StoreError,
};

/// The future of [`Env::advance`].
pub type AdvanceFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A store under test and its time.
pub trait Env: Send + Sync {
    /// The store, always the same one. It may hold other events: the suite
    /// takes fresh random keys.
    fn store(&self) -> Arc<dyn DedupStore>;

    /// The length of the suite's leases. With real time, long enough for a
    /// hundred operations, since leases must not end on their own; the suite
    /// lets about 25 of them pass.
    fn lease(&self) -> Duration;

    /// Lets the store's clock advance by at least `by`.
    fn advance(&self, by: Duration) -> AdvanceFuture<'_>;
}

/// Checks that the store keeps the protocol. Needs a tokio runtime; a
/// multi-threaded one tests more.
///
/// # Panics
///
/// If the store breaks a rule, with the rule's name, or if it fails at all.
pub async fn check(env: &dyn Env) {
    let suite = Suite {
        store: env.store(),
        env,
    };
    cells::check(&suite).await;
    stories::check(&suite).await;
}

const A: Owner = Owner::from_u128(0xa);
const B: Owner = Owner::from_u128(u128::MAX);
const C: Owner = Owner::from_u128(0xc);

const CONTENT: Fingerprint = Fingerprint::from_u64(u64::MAX);
const OTHER_CONTENT: Fingerprint = Fingerprint::from_u64(1);

/// An answer without its durations, which real time makes inexact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Won(u32),
    Busy(u32),
    Duplicate(u16, u32),
    Conflict(u32),
    Renewed(Renewed),
    Completed(Completed),
    Released(Released),
    Forgot(bool),
}

struct Suite<'a> {
    store: Arc<dyn DedupStore>,
    env: &'a dyn Env,
}

impl Suite<'_> {
    fn lease(&self) -> Duration {
        self.env.lease()
    }

    fn ttl(&self) -> Duration {
        self.lease() * 4
    }

    /// Half a lease more, so that leases of one step and no other have ended.
    async fn pass_lease(&self) {
        self.env.advance(self.lease() * 3 / 2).await;
    }

    async fn pass_ttl(&self) {
        self.env.advance(self.ttl() + self.lease()).await;
    }

    fn claim_by(&self, key: DedupKey, owner: Owner) -> Claim {
        Claim::new(key, owner, self.lease(), self.ttl()).with_fingerprint(CONTENT)
    }

    async fn claim(&self, key: DedupKey, owner: Owner) -> Answer {
        self.claim_as(&self.claim_by(key, owner)).await
    }

    async fn claim_as(&self, claim: &Claim) -> Answer {
        match ok("claim", self.store.claim(claim).await) {
            Claimed::Won { attempt } => Answer::Won(attempt),
            Claimed::Busy { remaining, attempt } => {
                assert!(
                    remaining > Duration::ZERO && remaining <= claim.lease,
                    "a busy event's lease of {:?} still holds for {remaining:?}",
                    claim.lease
                );
                Answer::Busy(attempt)
            }
            Claimed::Duplicate {
                status,
                attempt,
                expires_in,
            } => {
                assert!(
                    expires_in > Duration::ZERO && expires_in <= self.ttl(),
                    "an event that is remembered for {:?} is for {expires_in:?} more",
                    self.ttl()
                );
                Answer::Duplicate(status, attempt)
            }
            Claimed::Conflict { attempt } => Answer::Conflict(attempt),
        }
    }

    async fn renew(&self, key: DedupKey, owner: Owner) -> Answer {
        let renewed = self.store.renew(&key, owner, self.lease(), self.ttl());
        Answer::Renewed(ok("renew", renewed.await))
    }

    async fn complete(&self, key: DedupKey, owner: Owner, status: u16) -> Answer {
        let completion = Completion::new(CONTENT, status, self.ttl());
        let completed = self.store.complete(&key, owner, completion);
        Answer::Completed(ok("complete", completed.await))
    }

    async fn release(&self, key: DedupKey, owner: Owner) -> Answer {
        Answer::Released(ok("release", self.store.release(&key, owner).await))
    }

    async fn forget(&self, key: DedupKey) -> Answer {
        Answer::Forgot(ok("forget", self.store.forget(&key).await))
    }
}

fn ok<T>(operation: &str, result: Result<T, StoreError>) -> T {
    match result {
        Ok(answer) => answer,
        Err(error) => panic!("{operation} failed: {error} ({error:?})"),
    }
}

#[track_caller]
fn expect(rule: impl fmt::Display, got: Answer, want: Answer) {
    assert!(got == want, "{rule}: expected {want:?}, got {got:?}");
}

/// A key that nobody had before, also in a store that outlives the test.
fn fresh_key() -> DedupKey {
    let mut digest = [0; 32];
    for eight in digest.chunks_exact_mut(8) {
        // The standard library's one source of randomness.
        eight.copy_from_slice(&RandomState::new().hash_one(()).to_ne_bytes());
    }
    DedupKey::from_bytes(digest)
}
