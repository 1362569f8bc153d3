//! The steps between a verified request and its answer: claim, run, settle.

use std::any::Any;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tower::Service;

use super::key::Identity;
use super::layer::{Config, OnStoreFailure};
use super::lease::Lease;
use super::{DedupUnavailable, Duplicate};
use crate::delivery::{Delivery, Tenant};
use crate::rejection::{Rejection, RejectionKind};
use crate::store::{
    Claim, Claimed, Completed, Completion, DedupKey, Fingerprint, Owner, Renewed, StoreError,
};
use crate::{VerifiedBody, telemetry};

/// What became of a delivery.
pub(super) enum Outcome<B> {
    Handled(Response<B>),
    Duplicate(Duplicate, StatusCode),
    Rejected(Rejection),
}

/// The longest `Retry-After` for an event that is being processed.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(30);
/// `Retry-After` where the store cannot take an event.
const STORE_WAIT: Duration = Duration::from_secs(10);

pub(super) async fn process<S, B>(
    inner: S,
    config: Arc<Config>,
    mut request: Request<VerifiedBody>,
) -> Result<Outcome<B>, S::Error>
where
    S: Service<Request<VerifiedBody>, Response = Response<B>>,
{
    let delivery = request.body().delivery().clone();
    let refuse = |rejection: Rejection| {
        Ok(Outcome::Rejected(
            rejection.with_provider(delivery.scheme().name.clone()),
        ))
    };
    let overloaded = |kind, wait| {
        refuse(
            Rejection::new(kind)
                .with_status(delivery.scheme().overload_status())
                .with_retry_after(wait),
        )
    };

    let tenant = request.extensions().get::<Tenant>();
    let identity = match Identity::of(&delivery, &config.endpoint, tenant) {
        Ok(identity) => identity,
        Err(kind) => return refuse(Rejection::new(kind)),
    };
    let ttl = config.ttl_for(delivery.scheme());
    let held = match Held::claim(&config, identity, ttl).await {
        Ok(Verdict::Won(held)) => held,
        Ok(Verdict::Duplicate(duplicate)) => {
            telemetry::duplicate(delivery.provider(), duplicate.attempt);
            let status = delivery.scheme().success_status();
            return Ok(Outcome::Duplicate(duplicate, status));
        }
        Ok(Verdict::Busy(remaining)) => {
            return overloaded(RejectionKind::InFlight, remaining.min(MAX_BUSY_WAIT));
        }
        Ok(Verdict::Conflict) => return refuse(Rejection::new(RejectionKind::EventConflict)),
        Err(StoreError::Full) => return overloaded(RejectionKind::StoreFull, STORE_WAIT),
        Err(StoreError::Unavailable(_)) => match config.on_store_failure {
            OnStoreFailure::Refuse => {
                return overloaded(RejectionKind::StoreUnavailable, STORE_WAIT);
            }
            OnStoreFailure::Process => {
                telemetry::trouble(delivery.provider(), "processing without deduplication");
                request.extensions_mut().insert(DedupUnavailable);
                return call(inner, request).await.map(Outcome::Handled);
            }
        },
    };

    request.extensions_mut().insert(held.lease.clone());
    match held.run(&config, &delivery, call(inner, request)).await {
        Ok(Ok(response)) => {
            if (config.is_final)(response.status()) {
                held.complete(&config, &delivery, response.status()).await;
            } else {
                held.release(&config, &delivery).await;
            }
            Ok(Outcome::Handled(response))
        }
        Ok(Err(error)) => {
            held.release(&config, &delivery).await;
            Err(error)
        }
        Err(_panic) => {
            held.release(&config, &delivery).await;
            refuse(Rejection::new(RejectionKind::HandlerPanicked))
        }
    }
}

async fn call<S, B>(mut inner: S, request: Request<VerifiedBody>) -> Result<Response<B>, S::Error>
where
    S: Service<Request<VerifiedBody>, Response = Response<B>>,
{
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    inner.call(request).await
}

enum Verdict {
    Won(Held),
    Duplicate(Duplicate),
    Busy(Duration),
    Conflict,
}

impl From<Claimed> for Verdict {
    /// For an answer other than won.
    fn from(claimed: Claimed) -> Self {
        match claimed {
            Claimed::Duplicate { status, attempt } => {
                Self::Duplicate(Duplicate { status, attempt })
            }
            Claimed::Conflict { .. } => Self::Conflict,
            Claimed::Busy { remaining, .. } => Self::Busy(remaining),
            Claimed::Won { .. } => Self::Busy(Duration::ZERO),
        }
    }
}

/// The rows this delivery holds.
struct Held {
    owner: Owner,
    event: DedupKey,
    replay: Option<DedupKey>,
    fingerprint: Fingerprint,
    ttl: Duration,
    lease: Lease,
}

impl Held {
    /// Claims the replay row before the event's: a replay under another id
    /// then leaves no trace under that id.
    async fn claim(
        config: &Config,
        identity: Identity,
        ttl: Duration,
    ) -> Result<Verdict, StoreError> {
        let owner = next_owner();
        let claim = |key| Claim::new(key, owner, config.lease, ttl);
        if let Some(replay) = identity.replay {
            let mut claimed = config.store.claim(&claim(replay)).await?;
            if let (Claimed::Duplicate { .. }, Some(rerun)) = (claimed, identity.rerun)
                && config.store.forget(&rerun).await?
            {
                config.store.forget(&replay).await?;
                claimed = config.store.claim(&claim(replay)).await?;
            }
            if !matches!(claimed, Claimed::Won { .. }) {
                return Ok(claimed.into());
            }
        }
        let event = claim(identity.event).with_fingerprint(identity.fingerprint);
        let claimed = config.store.claim(&event).await;
        if let Ok(Claimed::Won { attempt }) = claimed {
            return Ok(Verdict::Won(Self {
                owner,
                event: identity.event,
                replay: identity.replay,
                fingerprint: identity.fingerprint,
                ttl,
                lease: Lease::new(attempt),
            }));
        }
        if let Some(replay) = identity.replay {
            // If this fails as well, the lease runs out.
            let _ = config.store.release(&replay, owner).await;
        }
        claimed.map(Verdict::from)
    }

    /// Runs `handler` and renews the lease meanwhile. The error is a panic.
    async fn run<T>(
        &self,
        config: &Config,
        delivery: &Delivery,
        handler: impl Future<Output = T>,
    ) -> Result<T, Box<dyn Any + Send>> {
        let mut handler = pin!(handler);
        // Most handlers are done before a timer for them would pay.
        let mut renewal: Option<Pin<Box<_>>> = None;
        poll_fn(|cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx)));
            match polled {
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
    async fn complete(&self, config: &Arc<Config>, delivery: &Delivery, status: StatusCode) {
        let completion = Completion::new(self.fingerprint, status.as_u16(), self.ttl);
        for key in self.keys() {
            let completion = match Some(*key) == self.replay {
                true => Completion::new(Fingerprint::NONE, completion.status, completion.ttl),
                false => completion,
            };
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
    async fn release(&self, config: &Config, delivery: &Delivery) {
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
