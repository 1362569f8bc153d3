use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tower_webhook::Clock;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, MemoryStore, Owner, Released,
    Renewed, StoreFuture,
};

/// A memory store that writes down which keys were claimed.
#[derive(Debug)]
pub struct RecordingStore {
    inner: MemoryStore,
    claimed: Mutex<Vec<DedupKey>>,
}

impl RecordingStore {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: MemoryStore::new(1000).unwrap().with_clock(clock),
            claimed: Mutex::default(),
        }
    }

    /// Every step starts with a claim: none means no round trip at all.
    pub fn claims(&self) -> usize {
        self.claimed.lock().unwrap().len()
    }

    /// The keys claimed since the last call.
    pub fn take_claimed(&self) -> Vec<DedupKey> {
        std::mem::take(&mut self.claimed.lock().unwrap())
    }

    pub fn rows(&self) -> usize {
        self.inner.len()
    }
}

impl DedupStore for RecordingStore {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        self.claimed.lock().unwrap().push(claim.key);
        self.inner.claim(claim)
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
        self.inner.complete(key, owner, completion)
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        self.inner.release(key, owner)
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        self.inner.forget(key)
    }
}
