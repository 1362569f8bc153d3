//! The library's memory store, compiled from its own source with the locks of this
//! package.

pub(crate) use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Fingerprint, Owner, Released,
    Renewed, StoreError, StoreFuture,
};

#[path = "../../../src/store/memory/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "other parts of the library use it"
)]
mod memory;

pub(crate) use self::memory::MemoryStore;

/// The shard that `key` is in.
pub(crate) fn shard(key: &DedupKey) -> u64 {
    (self::memory::KeyHasher::new().hash(key) >> 48) % 16
}
