use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::*;

/// A store whose claims are counted, and which can be slow.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) store: MemoryStore,
    claims: AtomicUsize,
    hold: Mutex<Option<(Slow, oneshot::Receiver<()>)>>,
}

/// Which half of a step waits.
#[derive(Debug, PartialEq)]
pub(super) enum Slow {
    Request,
    Answer,
}

impl Remote {
    pub(super) fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            store: MemoryStore::new(10_000).unwrap().with_clock(clock),
            claims: AtomicUsize::new(0),
            hold: Mutex::default(),
        }
    }

    /// How many there were since the last call.
    pub(super) fn claims(&self) -> usize {
        self.claims.swap(0, Ordering::Relaxed)
    }

    /// Lets the next step wait until the sender is used.
    pub(super) fn hold(&self, half: Slow) -> oneshot::Sender<()> {
        let (send, receive) = oneshot::channel();
        *self.hold.lock().unwrap() = Some((half, receive));
        send
    }

    async fn answer<T>(
        &self,
        step: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let hold = self.hold.lock().unwrap().take();
        let Some((half, hold)) = hold else {
            return step.await;
        };
        match half {
            Slow::Request => {
                hold.await.map_err(StoreError::unavailable)?;
                step.await
            }
            Slow::Answer => {
                let answer = step.await;
                hold.await.map_err(StoreError::unavailable)?;
                answer
            }
        }
    }
}

impl DedupStore for Remote {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        self.claims.fetch_add(1, Ordering::Relaxed);
        Box::pin(self.answer(self.store.claim(claim)))
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
        Box::pin(self.answer(self.store.complete(key, owner, completion)))
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        self.store.release(key, owner)
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(self.answer(self.store.forget(key)))
    }
}
