//! The rows that a delivery holds while it is processed.

use std::any::Any;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use http::StatusCode;

use super::key::Identity;
use super::layer::Config;
use super::lease::Lease;
use crate::delivery::Delivery;
use crate::store::{
    Claim, Claimed, Completed, Completion, DedupKey, Fingerprint, Owner, Renewed, StoreError,
};
use crate::telemetry;

/// One delivery's hold on its event, and on the signed bytes where those are
/// guarded.
pub(super) struct Held {
    owner: Owner,
    event: DedupKey,
    replay: Option<DedupKey>,
    fingerprint: Fingerprint,
    ttl: Duration,
    lease: Lease,
}

impl Held {
    pub(super) fn new(identity: &Identity<'_>, ttl: Duration) -> Self {
        Self {
            owner: next_owner(),
            event: identity.event,
            replay: identity.replay,
            fingerprint: identity.fingerprint,
            ttl,
            lease: Lease::new(0),
        }
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Claims the replay row before the event's: a replay under another id
    /// then leaves no trace under that id.
    pub(super) async fn claim(
        &mut self,
        config: &Config,
        identity: &Identity<'_>,
    ) -> Result<Claimed, StoreError> {
        if let Some(replay) = self.replay {
            let claimed = self.claim_replay(config, replay, identity).await?;
            if !matches!(claimed, Claimed::Won { .. }) {
                return Ok(claimed);
            }
        }
        let claim = Claim::new(self.event, self.owner, config.lease, self.ttl)
            .with_fingerprint(self.fingerprint);
        let claimed = config.store.claim(&claim).await;
        match (&claimed, self.replay) {
            (Ok(Claimed::Won { attempt }), _) => self.lease = Lease::new(*attempt),
            (_, Some(replay)) => {
                // If this fails as well, the lease runs out.
                let _ = config.store.release(&replay, self.owner).await;
            }
            (_, None) => {}
        }
        claimed
    }

    async fn claim_replay(
        &self,
        config: &Config,
        replay: DedupKey,
        identity: &Identity<'_>,
    ) -> Result<Claimed, StoreError> {
        let claim = Claim::new(replay, self.owner, config.lease, self.ttl);
        let claimed = config.store.claim(&claim).await?;
        if let (Claimed::Duplicate { .. }, Some(rerun)) = (claimed, identity.rerun())
            && config.store.forget(&rerun).await?
        {
            config.store.forget(&replay).await?;
            return config.store.claim(&claim).await;
        }
        Ok(claimed)
    }

    /// Runs `handler` and renews the lease meanwhile. The error is a panic.
    pub(super) async fn run<T>(
        &self,
        config: &Config,
        delivery: &Delivery,
        mut handler: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, Box<dyn Any + Send>> {
        // Most handlers are done before a timer for them would pay.
        let mut renewal: Option<Pin<Box<_>>> = None;
        poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
                Err(panic) => return Poll::Ready(Err(panic)),
                Ok(Poll::Ready(output)) => return Poll::Ready(Ok(output)),
                Ok(Poll::Pending) => {}
            }
            let renewal =
                renewal.get_or_insert_with(|| Box::pin(self.keep_renewing(config, delivery)));
            let _: Poll<()> = renewal.as_mut().poll(cx);
            Poll::Pending
        })
        .await
    }

    /// Renews the lease until it is lost or held for too long; never ends.
    async fn keep_renewing(&self, config: &Config, delivery: &Delivery) {
        let interval = config.renew_interval();
        let mut held = Duration::ZERO;
        let mut unrenewed = Duration::ZERO;
        while held < config.max_hold {
            tokio::time::sleep(interval).await;
            held += interval;
            unrenewed += interval;
            match tokio::time::timeout(interval, self.renew(config)).await {
                Ok(Ok(Renewed::Extended)) => unrenewed = Duration::ZERO,
                Ok(Ok(Renewed::Lost)) => {
                    telemetry::trouble(delivery.provider(), "a lease was lost to another delivery");
                    self.lease.lose();
                    return pending().await;
                }
                Ok(Err(_)) | Err(_) => {
                    telemetry::trouble(delivery.provider(), "a lease could not be renewed");
                }
            }
            if unrenewed >= config.lease {
                self.lease.lose();
            }
        }
        telemetry::trouble(
            delivery.provider(),
            "a handler runs for longer than its lease may be held",
        );
        tokio::time::sleep(config.lease).await;
        self.lease.lose();
        pending().await
    }

    async fn renew(&self, config: &Config) -> Result<Renewed, StoreError> {
        for key in self.keys() {
            let renewed = config
                .store
                .renew(key, self.owner, config.lease, self.ttl)
                .await?;
            if renewed == Renewed::Lost {
                return Ok(Renewed::Lost);
            }
        }
        Ok(Renewed::Extended)
    }

    /// Marks the event done. The handler's success is answered as a success
    /// whatever the store says: a failure here may lead to a second run, a
    /// failure to the sender would lead to one for certain.
    pub(super) async fn complete(
        &self,
        config: &Arc<Config>,
        delivery: &Delivery,
        status: StatusCode,
    ) {
        for key in self.keys() {
            let fingerprint = match Some(*key) == self.replay {
                true => Fingerprint::NONE,
                false => self.fingerprint,
            };
            let completion = Completion::new(fingerprint, status.as_u16(), self.ttl);
            match config.store.complete(key, self.owner, completion).await {
                Ok(Completed::LeaseLost) => telemetry::trouble(
                    delivery.provider(),
                    "an event was processed after its lease was lost",
                ),
                Ok(_) => {}
                Err(_) => {
                    telemetry::trouble(delivery.provider(), "an event could not be marked done");
                    let task = complete_later(Arc::clone(config), *key, self.owner, completion);
                    config.handlers.spawn(task);
                }
            }
        }
    }

    /// Gives the event back for the next delivery.
    pub(super) async fn release(&self, config: &Config, delivery: &Delivery) {
        for key in self.keys() {
            if config.store.release(key, self.owner).await.is_err() {
                telemetry::trouble(
                    delivery.provider(),
                    "an event could not be released; its lease will run out",
                );
            }
        }
    }

    /// The replay row first: between the two steps of a completion, the event
    /// must not be open to a replay.
    fn keys(&self) -> impl Iterator<Item = &DedupKey> {
        self.replay.iter().chain(std::iter::once(&self.event))
    }
}

/// Tries again until the lease is over, when somebody else may have taken
/// over.
async fn complete_later(config: Arc<Config>, key: DedupKey, owner: Owner, completion: Completion) {
    let interval = config.renew_interval() / 10;
    let mut waited = Duration::ZERO;
    while waited < config.lease {
        tokio::time::sleep(interval).await;
        waited += interval;
        if config.store.complete(&key, owner, completion).await.is_ok() {
            return;
        }
    }
}

/// Unique across processes: half random from process start, half counted.
fn next_owner() -> Owner {
    use std::hash::{BuildHasher, RandomState};
    static PROCESS: LazyLock<u64> =
        LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Owner::from_u128(u128::from(*PROCESS) << 64 | u128::from(count))
}
