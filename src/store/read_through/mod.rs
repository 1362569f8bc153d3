//! Done events, remembered in front of a store that is far away.

mod cache;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::cache::{Cache, Done, Look};
use super::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreFuture,
};
use crate::clock::MonotonicClock;
use crate::{Clock, ConfigError};

/// Answers claims of events that are known to be done from the memory of this
/// process, and asks `S` for everything else.
///
/// Senders that repeat an event which was processed then cost no round trip to
/// a store that machines share. Only what is done is remembered: an event in
/// flight belongs to whoever the store says. A delivery with another
/// fingerprint than the remembered one is the store's to judge.
///
/// An event stays here for as long as the store remembers it, but for no longer
/// than [`with_max_age`](Self::with_max_age) says: until then, a
/// [`forget`](DedupStore::forget) on another machine does not reach this one. To
/// have an event processed again, forget it, and ask the provider to deliver it
/// when that time has passed; or forget it on every machine.
///
/// When the memory is full, the event that would go next goes at once: it is in
/// the store all the same. An event takes about 75 bytes, which are taken at
/// construction.
///
/// ```
/// use std::time::Duration;
/// use tower_webhook::store::{
///     Claim, Claimed, Completion, DedupKey, DedupStore, Fingerprint, MemoryStore, Owner,
///     ReadThrough,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let shared = MemoryStore::default();
/// // `shared` is a store that other machines use as well.
/// let store = ReadThrough::new(shared, 10_000)?;
/// let (key, owner) = (DedupKey::from_bytes([7; 32]), Owner::from_u128(1));
/// let (lease, ttl) = (Duration::from_secs(30), Duration::from_secs(96 * 3600));
///
/// let claim = Claim::new(key, owner, lease, ttl);
/// assert_eq!(store.claim(&claim).await?, Claimed::Won { attempt: 1 });
/// let done = Completion::new(Fingerprint::NONE, 200, ttl);
/// store.complete(&key, owner, done).await?;
///
/// // From here on, `shared` is not asked.
/// let again = Claim::new(key, Owner::from_u128(2), lease, ttl);
/// let claimed = store.claim(&again).await?;
/// assert!(matches!(claimed, Claimed::Duplicate { status: 200, attempt: 1, .. }));
/// # Ok(())
/// # }
/// ```
pub struct ReadThrough<S> {
    store: S,
    cache: Cache,
    max_age: Duration,
    clock: Arc<dyn Clock>,
}

impl<S> ReadThrough<S> {
    const MAX_AGE: Duration = Duration::from_secs(5 * 60);

    /// Remembers up to `capacity` events (rounded up to a multiple of eight) in
    /// front of `store`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if that is none.
    pub fn new(store: S, capacity: usize) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::Zero {
                setting: "the capacity of the read-through",
            });
        }
        Ok(Self {
            store,
            cache: Cache::new(capacity),
            max_age: Self::MAX_AGE,
            clock: Arc::new(MonotonicClock::new()),
        })
    }

    /// For how long an event is remembered at most (default: five minutes),
    /// whatever the store says: how long a `forget` on another machine may go
    /// unnoticed.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if that is no time.
    pub fn with_max_age(mut self, max_age: Duration) -> Result<Self, ConfigError> {
        if max_age.is_zero() {
            return Err(ConfigError::Zero {
                setting: "the age of what the read-through remembers",
            });
        }
        self.max_age = max_age;
        Ok(self)
    }

    /// Measures lifetimes with `clock`, for tests. The default is a
    /// [`MonotonicClock`].
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The store behind.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.store
    }
}

impl<S: DedupStore> DedupStore for ReadThrough<S> {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async move {
            // Taken before the store is asked, so that nothing is remembered
            // for longer here than there.
            let now = self.clock.now();
            let oldest = now.saturating_add(self.max_age);
            let asking = match self.cache.look(claim, now, oldest) {
                Look::Done(done) => return Ok(done.claimed(now)),
                Look::Asking(asking) => asking,
            };
            let claimed = self.store.claim(claim).await?;
            match (claimed, asking) {
                (Claimed::Won { attempt }, Some(asking)) => asking.won(attempt),
                // What is remembered is outdated: somebody made the store forget.
                (Claimed::Won { .. }, None) => self.cache.remove(&claim.key),
                (
                    Claimed::Duplicate {
                        status,
                        attempt,
                        expires_in,
                    },
                    Some(asking),
                ) => asking.done(Done {
                    fingerprint: claim.fingerprint,
                    status,
                    attempt,
                    expires_at: now.saturating_add(expires_in),
                }),
                _ => {}
            }
            Ok(claimed)
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        self.store.renew(key, owner, lease, ttl)
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async move {
            let now = self.clock.now();
            let oldest = now.saturating_add(self.max_age);
            let won = self.cache.take_won(key, owner, now, oldest);
            let completed = self.store.complete(key, owner, completion).await?;
            if let (Completed::Done, Some((asking, attempt))) = (completed, won) {
                asking.done(Done {
                    fingerprint: completion.fingerprint,
                    status: completion.status,
                    attempt,
                    expires_at: now.saturating_add(completion.ttl),
                });
            }
            Ok(completed)
        })
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async move {
            let now = self.clock.now();
            drop(self.cache.take_won(key, owner, now, now));
            self.store.release(key, owner).await
        })
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let _forgetting = self.cache.forgetting(key);
            self.store.forget(key).await
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for ReadThrough<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadThrough")
            .field("store", &self.store)
            .field("capacity", &self.cache.capacity())
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}
