//! A store that remembers nothing but what it was asked for.

use std::sync::Mutex;
use std::time::Duration;

use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreFuture,
};

/// Lets every claim win, and writes down the keys of claims and of what is to
/// be forgotten.
#[derive(Debug, Default)]
pub struct Recorder {
    claimed: Mutex<Vec<DedupKey>>,
    forgotten: Mutex<Vec<DedupKey>>,
}

impl Recorder {
    /// The keys that were claimed since the last call.
    pub fn claimed(&self) -> Vec<DedupKey> {
        std::mem::take(&mut self.claimed.lock().expect("no panic"))
    }

    /// The keys that were forgotten since the last call.
    pub fn forgotten(&self) -> Vec<DedupKey> {
        std::mem::take(&mut self.forgotten.lock().expect("no panic"))
    }
}

impl DedupStore for Recorder {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        self.claimed.lock().expect("no panic").push(claim.key);
        Box::pin(async { Ok(Claimed::Won { attempt: 1 }) })
    }

    fn renew<'a>(
        &'a self,
        _: &'a DedupKey,
        _: Owner,
        _: Duration,
        _: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(async { Ok(Renewed::Extended) })
    }

    fn complete<'a>(
        &'a self,
        _: &'a DedupKey,
        _: Owner,
        _: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async { Ok(Completed::Done) })
    }

    fn release<'a>(&'a self, _: &'a DedupKey, _: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async { Ok(Released::Released) })
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        self.forgotten.lock().expect("no panic").push(*key);
        Box::pin(async { Ok(true) })
    }
}
