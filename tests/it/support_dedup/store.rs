//! A store that fails on demand.

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, MemoryStore, Owner, Released,
    Renewed, StoreError, StoreFuture,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Claim,
    Renew,
    Complete,
    Release,
    Forget,
}

/// What goes wrong with a step.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The store does not take the step.
    Fails,
    /// The store takes the step, and its answer is lost.
    LosesReply,
    /// The store does not take the step and never answers.
    Hangs,
    /// The store takes the step after so long.
    Slow(Duration),
    /// The store takes the step, and answers after so long.
    SlowReply(Duration),
    /// The store panics.
    Panics,
}

/// A store whose steps go wrong on demand.
pub struct FaultyStore {
    inner: Arc<MemoryStore>,
    faults: Mutex<HashMap<Op, Vec<Option<Fault>>>>,
    asked: Mutex<Vec<Op>>,
}

impl FaultyStore {
    pub fn new(inner: Arc<MemoryStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            faults: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    /// The next steps of this kind go wrong so, and work where it says `None`.
    pub fn plan(&self, op: Op, faults: impl IntoIterator<Item = Option<Fault>>) {
        let mut faults: Vec<_> = faults.into_iter().collect();
        faults.reverse();
        self.faults.lock().unwrap().insert(op, faults);
    }

    /// The next `count` steps of this kind go wrong.
    pub fn break_next(&self, op: Op, fault: Fault, count: usize) {
        self.plan(op, std::iter::repeat_n(Some(fault), count));
    }

    pub fn break_all(&self, fault: Fault) {
        for op in [Op::Claim, Op::Renew, Op::Complete, Op::Release, Op::Forget] {
            self.break_next(op, fault, 1000);
        }
    }

    pub fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// How many steps of this kind were asked for.
    pub fn asked(&self, op: Op) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| **asked == op).count()
    }

    async fn step<T>(
        &self,
        op: Op,
        step: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.asked.lock().unwrap().push(op);
        let fault = self.faults.lock().unwrap().get_mut(&op).and_then(Vec::pop);
        match fault.flatten() {
            None => step.await,
            Some(Fault::Fails) => Err(StoreError::unavailable("down")),
            Some(Fault::LosesReply) => {
                step.await?;
                Err(StoreError::unavailable("timed out"))
            }
            Some(Fault::Hangs) => pending().await,
            Some(Fault::Slow(by)) => {
                tokio::time::sleep(by).await;
                step.await
            }
            Some(Fault::SlowReply(by)) => {
                let answer = step.await;
                tokio::time::sleep(by).await;
                answer
            }
            Some(Fault::Panics) => panic!("the store's bug"),
        }
    }
}

impl DedupStore for FaultyStore {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(self.step(Op::Claim, self.inner.claim(claim)))
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(self.step(Op::Renew, self.inner.renew(key, owner, lease, ttl)))
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(self.step(Op::Complete, self.inner.complete(key, owner, completion)))
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(self.step(Op::Release, self.inner.release(key, owner)))
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(self.step(Op::Forget, self.inner.forget(key)))
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").finish_non_exhaustive()
    }
}
