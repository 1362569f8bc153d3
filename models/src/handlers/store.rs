//! The library's memory store, whose every step waits until it is told to be taken.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, MemoryStore, Owner, Released,
    Renewed, StoreError, StoreFuture,
};
use tower_webhook::testing::ManualClock;
use tower_webhook::{Clock, Timestamp};

#[derive(Clone, Copy, Debug)]
pub enum Asked {
    Claim(Claim),
    Renew(DedupKey, Owner, Duration, Duration),
    Complete(DedupKey, Owner, Completion),
    Release(DedupKey, Owner),
    Forget(DedupKey),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Answer {
    Claimed(Claimed),
    Renewed(Renewed),
    Completed(Completed),
    Released(Released),
    Forgot(bool),
}

impl Asked {
    pub fn key(&self) -> DedupKey {
        match *self {
            Self::Claim(claim) => claim.key,
            Self::Renew(key, ..)
            | Self::Complete(key, ..)
            | Self::Release(key, _)
            | Self::Forget(key) => key,
        }
    }
}

/// A step on its way to the store.
pub struct Call {
    pub asked: Asked,
    /// Which delivery asked for it.
    pub by: usize,
    pub answer: Option<Answer>,
    /// Whether the answer was lost.
    pub lost: bool,
    /// When it reached the store.
    pub at: Timestamp,
    reply: Option<oneshot::Sender<Result<Answer, StoreError>>>,
}

impl Call {
    /// Whether somebody waits for its answer.
    pub fn is_awaited(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    /// Whether it could still reach the store although nobody waits any more.
    pub fn is_late(&self) -> bool {
        self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}

/// Takes a step of the store: the right way, or a wrong one.
pub type Take = fn(&MemoryStore, Asked, &[Call]) -> Answer;

pub struct Scripted {
    inner: MemoryStore,
    take: Take,
    pub clock: Arc<ManualClock>,
    calls: Mutex<Vec<Call>>,
    /// The delivery that is being polled, and who each owner is.
    polled: Mutex<usize>,
    owners: Mutex<Vec<(Owner, usize)>>,
}

impl Scripted {
    pub fn new(take: Take) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(0)));
        let inner = MemoryStore::new(10).expect("some room");
        Self {
            inner: inner.with_clock(clock.clone()),
            take,
            clock,
            calls: Mutex::default(),
            polled: Mutex::default(),
            owners: Mutex::default(),
        }
    }

    pub fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().expect("one thread")
    }

    /// Says which delivery is polled from now on.
    pub fn polling(&self, delivery: usize) {
        *self.polled.lock().expect("one thread") = delivery;
    }

    /// Takes the step, and answers it unless the answer is lost.
    pub fn take(&self, call: usize, lost: bool) {
        let mut calls = self.calls();
        let answer = (self.take)(&self.inner, calls[call].asked, &calls);
        let call = &mut calls[call];
        call.answer = Some(answer);
        call.lost = lost;
        call.at = self.clock.now();
        if let Some(reply) = call.reply.take() {
            let _ = reply.send(match lost {
                true => Err(StoreError::unavailable("the answer was lost")),
                false => Ok(answer),
            });
        }
    }

    /// Answers with a failure; nothing has reached the store.
    pub fn refuse(&self, call: usize) {
        if let Some(reply) = self.calls()[call].reply.take() {
            let _ = reply.send(Err(StoreError::unavailable("the step was lost")));
        }
    }

    /// What a stranger's claim of `key` is answered.
    pub fn look(&self, key: DedupKey) -> Claimed {
        let stranger = Owner::from_u128(u128::MAX);
        let moment = Duration::from_millis(1);
        let claim = Claim::new(key, stranger, moment, moment);
        now(self.inner.claim(&claim))
    }

    async fn ask(&self, asked: Asked) -> Result<Answer, StoreError> {
        let (reply, answer) = oneshot::channel();
        let by = self.delivery_of(asked);
        self.calls().push(Call {
            asked,
            by,
            answer: None,
            lost: false,
            at: Timestamp::from_unix_millis(0),
            reply: Some(reply),
        });
        let lost = |_| StoreError::unavailable("nobody answers");
        answer.await.map_err(lost)?
    }

    fn delivery_of(&self, asked: Asked) -> usize {
        let owner = match asked {
            Asked::Claim(claim) => claim.owner,
            Asked::Renew(_, owner, ..)
            | Asked::Complete(_, owner, _)
            | Asked::Release(_, owner) => owner,
            Asked::Forget(_) => return usize::MAX,
        };
        let mut owners = self.owners.lock().expect("one thread");
        if let Some(&(_, by)) = owners.iter().find(|(known, _)| *known == owner) {
            return by;
        }
        let by = *self.polled.lock().expect("one thread");
        owners.push((owner, by));
        by
    }
}

/// The way of the library.
pub fn right(store: &MemoryStore, asked: Asked, _: &[Call]) -> Answer {
    match asked {
        Asked::Claim(claim) => Answer::Claimed(now(store.claim(&claim))),
        Asked::Renew(key, owner, lease, ttl) => {
            Answer::Renewed(now(store.renew(&key, owner, lease, ttl)))
        }
        Asked::Complete(key, owner, completion) => {
            Answer::Completed(now(store.complete(&key, owner, completion)))
        }
        Asked::Release(key, owner) => Answer::Released(now(store.release(&key, owner))),
        Asked::Forget(key) => Answer::Forgot(now(store.forget(&key))),
    }
}

impl DedupStore for Scripted {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async move {
            match self.ask(Asked::Claim(*claim)).await? {
                Answer::Claimed(claimed) => Ok(claimed),
                other => panic!("{other:?} to a claim"),
            }
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(async move {
            match self.ask(Asked::Renew(*key, owner, lease, ttl)).await? {
                Answer::Renewed(renewed) => Ok(renewed),
                other => panic!("{other:?} to a renewal"),
            }
        })
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async move {
            match self.ask(Asked::Complete(*key, owner, completion)).await? {
                Answer::Completed(completed) => Ok(completed),
                other => panic!("{other:?} to a completion"),
            }
        })
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async move {
            match self.ask(Asked::Release(*key, owner)).await? {
                Answer::Released(released) => Ok(released),
                other => panic!("{other:?} to a release"),
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            match self.ask(Asked::Forget(*key)).await? {
                Answer::Forgot(known) => Ok(known),
                other => panic!("{other:?} to forget"),
            }
        })
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

pub fn now<T>(step: StoreFuture<'_, T>) -> T {
    match pin!(step).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(answer)) => answer,
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => panic!("a store in memory that waits"),
    }
}
