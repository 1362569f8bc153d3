//! The rows of one delivery, through their states.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::Duplicate;
use super::key::Identity;
use super::layer::Config;
use super::lease::Lease;
use super::settlement::{Settlement, complete_later, give_back, hold_later};
use super::step::step;
use crate::delivery::Delivery;
use crate::signature::Scheme;
use crate::store::{
    Claim, Claimed, Completed, Completion, DedupKey, Fingerprint, Owner, StoreError,
};
use crate::telemetry;

/// The answer to a claim on all rows of a delivery.
pub(super) enum Verdict {
    Won(Held),
    Duplicate(Duplicate),
    Busy(Duration),
    Conflict,
}

impl From<Claimed> for Verdict {
    /// For an answer other than won.
    fn from(claimed: Claimed) -> Self {
        match claimed {
            Claimed::Duplicate {
                status, attempt, ..
            } => Self::Duplicate(Duplicate { status, attempt }),
            Claimed::Conflict { .. } => Self::Conflict,
            Claimed::Busy { remaining, .. } => Self::Busy(remaining),
            Claimed::Won { .. } => Self::Busy(Duration::ZERO),
        }
    }
}

/// The rows this delivery holds.
pub(super) struct Held {
    pub(super) owner: Owner,
    event: DedupKey,
    replay: Option<DedupKey>,
    fingerprint: Fingerprint,
    pub(super) ttl: Duration,
    /// Before the rows were asked for.
    pub(super) claimed: Instant,
    pub(super) lease: Lease,
}

impl Held {
    /// Claims the replay row before the event's: a replay under another id
    /// then leaves no trace under that id.
    pub(super) async fn claim(
        config: &Arc<Config>,
        identity: &Identity<'_>,
        scheme: &Scheme,
    ) -> Result<Verdict, StoreError> {
        let (ttl, window) = (config.ttl_for(scheme), scheme.freshness_window());
        let claimed_at = Instant::now();
        let owner = next_owner();
        let claimed = Self::claim_rows(config, identity, owner, ttl, window).await;
        // The answer came, or was looked at, so late that another delivery may
        // have taken the event over.
        let is_over = claimed_at.elapsed() >= config.lease;
        if claimed.is_err() || (is_over && matches!(claimed, Ok(Claimed::Won { .. }))) {
            // Some rows may have been claimed all the same, and then nobody
            // else could take them before the lease is over.
            let keys = identity.replay.into_iter().chain([identity.event]);
            let task = give_back(Arc::clone(config), keys, owner);
            config.handlers.spawn(task);
        }
        Ok(match claimed? {
            Claimed::Won { attempt } if !is_over => Verdict::Won(Self {
                owner,
                event: identity.event,
                replay: identity.replay,
                fingerprint: identity.fingerprint,
                ttl,
                claimed: claimed_at,
                lease: Lease::new(attempt),
            }),
            other => other.into(),
        })
    }

    /// Boxes what is rare in it: each delivery has to hold the room for this.
    async fn claim_rows(
        config: &Arc<Config>,
        identity: &Identity<'_>,
        owner: Owner,
        ttl: Duration,
        window: Duration,
    ) -> Result<Claimed, StoreError> {
        let claim = |key| Claim::new(key, owner, config.lease, ttl);
        if let Some(replay) = identity.replay {
            let mut claimed = claim_row(config, &claim(replay)).await?;
            if matches!(claimed, Claimed::Duplicate { .. })
                && let Some(rerun) = identity.rerun()
            {
                let permitted = use_permit(config, claim(replay), rerun);
                let permitted = Box::pin(permitted).await?;
                claimed = permitted.unwrap_or(claimed);
            }
            if !matches!(claimed, Claimed::Won { .. }) {
                return Ok(claimed);
            }
        }
        let event = claim(identity.event).with_fingerprint(identity.fingerprint);
        let claimed = claim_row(config, &event).await?;
        if let (Some(replay), false) = (identity.replay, matches!(claimed, Claimed::Won { .. })) {
            let settled = Self::settle_replay(config, claim(replay), claimed, window);
            Box::pin(settled).await;
        }
        Ok(claimed)
    }

    /// What becomes of the replay row when the event has answered `claimed`.
    ///
    /// Either the sender signed another attempt anew, which somebody could
    /// capture and send under another id; or these are captured bytes of an
    /// event of its own, under the id of another. So they are not free, and not
    /// done, which would lose that event: they are held while they are fresh.
    async fn settle_replay(
        config: &Arc<Config>,
        replay: Claim,
        claimed: Claimed,
        window: Duration,
    ) {
        let Claim {
            key, owner, ttl, ..
        } = replay;
        match claimed {
            Claimed::Won { .. } => {}
            Claimed::Duplicate { .. } | Claimed::Busy { .. } => {
                let lease = window.max(config.lease);
                let hold = Settlement::Hold { lease, ttl };
                if hold.take(config, &key, owner).await.is_err() {
                    let task = hold_later(Arc::clone(config), key, owner, hold);
                    config.handlers.spawn(task);
                }
            }
            // If this fails, the lease runs out.
            Claimed::Conflict { .. } => {
                let released = config.store.release(&key, owner);
                let _ = step(config.store_timeout, released).await;
            }
        }
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
        let completion = Completion::new(self.fingerprint, status.as_u16(), self.ttl);
        for key in self.keys() {
            let completion = match Some(*key) == self.replay {
                true => Completion::new(Fingerprint::NONE, completion.status, completion.ttl),
                false => completion,
            };
            let completed = config.store.complete(key, self.owner, completion);
            match step(config.store_timeout, completed).await {
                Ok(Completed::LeaseLost) => telemetry::trouble(
                    delivery.provider(),
                    "an event was processed after its lease was lost",
                ),
                Ok(_) => {}
                Err(error) => {
                    let what = "an event could not be marked done yet";
                    telemetry::failed(delivery.provider(), what, &error);
                    let task = complete_later(Arc::clone(config), *key, self.owner, completion);
                    config.handlers.spawn(task);
                }
            }
        }
    }

    /// Gives the event back for the next delivery.
    pub(super) async fn release(&self, config: &Config, delivery: &Delivery) {
        for key in self.keys() {
            let released = config.store.release(key, self.owner);
            if let Err(error) = step(config.store_timeout, released).await {
                let what = "an event could not be released; its lease will run out";
                telemetry::failed(delivery.provider(), what, &error);
            }
        }
    }

    /// The replay row first: between the two steps of a completion, the event
    /// must not be open to a replay.
    pub(super) fn keys(&self) -> impl Iterator<Item = &DedupKey> {
        self.replay.iter().chain(std::iter::once(&self.event))
    }
}

/// The operator's permit to process an event again although its content is
/// known: a row that is there, until it is used or over.
pub(super) fn permit(rerun: DedupKey) -> Claim {
    const VALID: Duration = Duration::from_secs(24 * 60 * 60);
    Claim::new(rerun, next_owner(), VALID, VALID)
}

/// Claims a row, and once more if the store failed: if only its answer was
/// lost, it is the same the second time.
async fn claim_row(config: &Config, claim: &Claim) -> Result<Claimed, StoreError> {
    step(config.store_timeout, async {
        match config.store.claim(claim).await {
            Err(StoreError::Unavailable(_)) => config.store.claim(claim).await,
            answer => answer,
        }
    })
    .await
}

/// Claims a row although its content is known, if an operator permitted that.
async fn use_permit(
    config: &Config,
    replay: Claim,
    rerun: DedupKey,
) -> Result<Option<Claimed>, StoreError> {
    let timeout = config.store_timeout;
    if !step(timeout, config.store.forget(&rerun)).await? {
        return Ok(None);
    }
    if let Err(error) = step(timeout, config.store.forget(&replay.key)).await {
        // If this fails as well, the operator has to ask again.
        let _ = step(timeout, config.store.claim(&permit(rerun))).await;
        return Err(error);
    }
    claim_row(config, &replay).await.map(Some)
}

/// Unique across processes: half random from process start, half counted.
pub(crate) fn next_owner() -> Owner {
    use std::hash::{BuildHasher, RandomState};
    static PROCESS: LazyLock<u64> =
        LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Owner::from_u128(u128::from(*PROCESS) << 64 | u128::from(count))
}
