//! The store inside the process.

mod expiry;
mod hash;
mod protocol;
mod room;
mod table;
#[cfg(test)]
mod tests;

use std::array;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub(super) use self::hash::KeyHasher;
use self::protocol::{Record, Step};
use self::room::{NoRoom, Room, Rooms};
use self::table::Table;
use super::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreError, StoreFuture,
};
use crate::clock::MonotonicClock;
use crate::primitives::{Mutex, MutexGuard};
use crate::{Clock, ConfigError, Timestamp};

const SHARDS: usize = 16;

/// Remembers events in the memory of this process.
///
/// Right for one process whose events may be processed again after it
/// restarts. Several processes behind one address need a store that they
/// share.
///
/// Memory grows as events come, to at most `capacity` of them, and then stays:
/// 120 to 150 bytes each. What has expired makes room for what comes; no task
/// runs in the background, and there is nothing to clean up. When the store is
/// full of live events, one that was released goes (only its attempt count is
/// lost), and if there is none either, the claim fails with
/// [`StoreError::Full`]: to forget an event that is done or in flight would
/// let it run twice.
///
/// Layers hold an `Arc<dyn DedupStore>`; to share one store between routes,
/// clone that.
///
/// ```
/// use std::time::Duration;
/// use tower_webhook::store::{
///     Claim, Claimed, Completion, DedupKey, DedupStore, Fingerprint, MemoryStore, Owner,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new(100_000)?;
/// let (key, owner) = (DedupKey::from_bytes([7; 32]), Owner::from_u128(1));
/// let (lease, ttl) = (Duration::from_secs(30), Duration::from_secs(96 * 3600));
///
/// let claim = Claim::new(key, owner, lease, ttl);
/// assert_eq!(store.claim(&claim).await?, Claimed::Won { attempt: 1 });
///
/// let done = Completion::new(Fingerprint::NONE, 200, ttl);
/// store.complete(&key, owner, done).await?;
///
/// let again = Claim::new(key, Owner::from_u128(2), lease, ttl);
/// let claimed = store.claim(&again).await?;
/// assert!(matches!(claimed, Claimed::Duplicate { status: 200, attempt: 1, .. }));
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    shards: [Mutex<Table>; SHARDS],
    rooms: Rooms,
    /// Held while room is made in a full store.
    making_room: Mutex<()>,
    hasher: KeyHasher,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// A store of at most `capacity` events.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if that is none.
    pub fn new(capacity: usize) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::Zero {
                setting: "the capacity of the memory store",
            });
        }
        Ok(Self::with_nonzero_capacity(capacity))
    }

    fn with_nonzero_capacity(capacity: usize) -> Self {
        let hasher = KeyHasher::new();
        Self {
            shards: array::from_fn(|_| Mutex::new(Table::new(hasher))),
            rooms: Rooms::new(capacity),
            making_room: Mutex::new(()),
            hasher,
            clock: Arc::new(MonotonicClock::new()),
        }
    }

    /// Measures leases and lifetimes with `clock`, for tests. The default is
    /// a [`MonotonicClock`].
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How many events it holds, counting those that have expired but not made
    /// room yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rooms.taken()
    }

    /// Whether it holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events it holds at most.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.rooms.capacity()
    }

    fn step<T>(
        &self,
        key: &DedupKey,
        decide: impl Fn(Option<&Record>, Timestamp) -> Step<T>,
    ) -> Result<T, StoreError> {
        let attempt = |made: Room<'_>| {
            let mut shard = self.shard(key);
            // Asked within the lock, or a step could be judged by an earlier time
            // than one before it.
            let now = self.clock.now();
            // Given back within the lock, or whoever looks for room while an ended
            // row's is on its way back finds neither.
            let mut room = made;
            shard.step(key, now, &mut room, |row| decide(row, now))
        };
        if let Ok(answer) = attempt(Room::none(&self.rooms)) {
            return Ok(answer);
        }
        // One at a time: the second of two claims of one event then sees the
        // first one's row instead of a store without room.
        let _turn = lock(&self.making_room);
        let mut room = Room::none(&self.rooms);
        self.make_room(&mut room);
        attempt(room).map_err(|NoRoom| StoreError::Full)
    }

    fn make_room(&self, room: &mut Room<'_>) {
        let now = self.clock.now();
        let mut shards = self.shards.iter();
        if !shards.any(|shard| lock(shard).drop_expired(now, room)) {
            self.shards
                .iter()
                .any(|shard| lock(shard).drop_released(room));
        }
    }

    fn shard(&self, key: &DedupKey) -> MutexGuard<'_, Table> {
        // The table uses the hash's lowest bits and its topmost seven.
        let at = (self.hasher.hash(key) >> 48) as usize % SHARDS;
        let [first, ..] = &self.shards;
        lock(self.shards.get(at).unwrap_or(first))
    }
}

/// A store of at most a million events.
impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_nonzero_capacity(1_000_000)
    }
}

impl DedupStore for MemoryStore {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async move { self.step(&claim.key, |row, now| protocol::claim(row, claim, now)) })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(
            async move { self.step(key, |row, now| protocol::renew(row, owner, lease, ttl, now)) },
        )
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async move {
            self.step(key, |row, now| {
                protocol::complete(row, owner, completion, now)
            })
        })
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async move { self.step(key, |row, _| protocol::release(row, owner)) })
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut shard = self.shard(key);
            let mut room = Room::none(&self.rooms);
            Ok(shard.forget(key, self.clock.now(), &mut room))
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// Locks `mutex`, also after a panic: no operation leaves a table half changed
/// where it could panic, and one lost thread must not take the route down.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pushes onto a vector that grows by an eighth instead of doubling: with a
/// million events, half of it unused would be most of the store's overhead.
fn push_tightly<T>(vec: &mut Vec<T>, value: T) {
    if vec.len() == vec.capacity() {
        vec.reserve_exact((vec.len() / 8).max(16));
    }
    vec.push(value);
}
