use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::dedup::Identity;
use crate::delivery::{Delivery, EventId, Tenant};
use crate::rejection::RejectionKind;
use crate::store::DedupKey;

/// A verified delivery with all that is to be stored of it. Cloning is cheap.
#[derive(Clone)]
pub struct InboxEvent {
    record: Arc<Record>,
}

#[derive(Clone)]
pub(super) struct Record {
    pub(super) key: DedupKey,
    pub(super) replay_key: Option<DedupKey>,
    pub(super) provider: Cow<'static, str>,
    pub(super) endpoint: Arc<str>,
    pub(super) tenant: Option<Tenant>,
    pub(super) event_id: Option<EventId>,
    pub(super) event_type: Option<String>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) key_label: Option<String>,
    pub(super) received_at: Timestamp,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) remember_for: Duration,
}

impl From<Record> for InboxEvent {
    fn from(record: Record) -> Self {
        Self {
            record: Arc::new(record),
        }
    }
}

impl InboxEvent {
    /// Fails as deduplication does where the id is missing or cannot be used.
    pub(super) fn of(
        delivery: &Delivery,
        endpoint: &Arc<str>,
        tenant: Option<&Tenant>,
        headers: HeaderMap,
        received_at: Timestamp,
    ) -> Result<Self, RejectionKind> {
        let identity = Identity::of(delivery, endpoint, tenant)?;
        let scheme = delivery.scheme();
        Ok(Self::from(Record {
            key: identity.map_or_else(anonymous_key, |identity| identity.event),
            replay_key: identity.and_then(|identity| identity.replay),
            provider: scheme.name.clone(),
            endpoint: Arc::clone(endpoint),
            tenant: tenant.cloned(),
            event_id: delivery.event_id().cloned(),
            event_type: delivery.event_type().map(str::to_owned),
            timestamp: delivery.timestamp(),
            key_label: delivery.key_label().map(str::to_owned),
            received_at,
            headers,
            body: delivery.body().clone(),
            remember_for: scheme.retry_horizon().max(scheme.freshness_window()),
        }))
    }

    /// What identifies the event: a digest of provider, endpoint, tenant and
    /// id, or of the content where there is no id. Random where nothing tells
    /// the event from others.
    #[must_use]
    pub fn key(&self) -> &DedupKey {
        &self.record.key
    }

    /// What was signed, as a digest, for providers that do not sign the event
    /// id. A second delivery with this key is the same event, under whatever
    /// id. A sink that finds the event by its [`key`](Self::key) should not take
    /// this for that event's, unless there is a [`timestamp`](Self::timestamp): it
    /// may be captured, and of an event that is still to come.
    #[must_use]
    pub fn replay_key(&self) -> Option<&DedupKey> {
        self.record.replay_key.as_ref()
    }

    /// The name of the scheme, such as `stripe`.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.record.provider
    }

    /// The name given with [`Inbox::with_endpoint`](super::Inbox::with_endpoint).
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.record.endpoint
    }

    /// Whose event it is, where one route serves many.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.record.tenant.as_ref()
    }

    /// The event id, if the provider sent one.
    #[must_use]
    pub fn event_id(&self) -> Option<&EventId> {
        self.record.event_id.as_ref()
    }

    /// The event type, if the provider sent one. See
    /// [`Delivery::event_type`] for where it is not signed.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.record.event_type.as_deref()
    }

    /// The sender's timestamp, where the scheme signs one.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.record.timestamp
    }

    /// The label of the secret that the event was verified with, if it has
    /// one.
    #[must_use]
    pub fn key_label(&self) -> Option<&str> {
        self.record.key_label.as_deref()
    }

    /// When the event was received, by the clock of the receiving machine.
    #[must_use]
    pub fn received_at(&self) -> Timestamp {
        self.record.received_at
    }

    /// The headers that were chosen: never one with a proof of the sender. See
    /// [`Inbox::with_header`](super::Inbox::with_header).
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.record.headers
    }

    /// The body, exactly as it was sent and verified.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.record.body
    }

    /// For how long at least the keys should be remembered once the event is
    /// done: while the provider retries, and while the signature counts as
    /// fresh.
    #[must_use]
    pub fn remember_for(&self) -> Duration {
        self.record.remember_for
    }
}

/// Shows neither body nor id nor header.
impl fmt::Debug for InboxEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxEvent")
            .field("key", self.key())
            .field("provider", &self.provider())
            .field("endpoint", &self.endpoint())
            .field("key_label", &self.key_label())
            .field("received_at", &self.received_at())
            .field("body_len", &self.body().len())
            .finish_non_exhaustive()
    }
}

/// Unique across processes: 128 random bits of each process, and a count.
fn anonymous_key() -> DedupKey {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static PROCESS: std::sync::LazyLock<[u64; 2]> = std::sync::LazyLock::new(|| {
        let random = || RandomState::new().hash_one(std::process::id());
        [random(), random()]
    });
    let [high, low] = *PROCESS;
    let mut digest = Sha256::new_with_prefix(b"tower-webhook/1 anonymous");
    for number in [high, low, COUNT.fetch_add(1, Ordering::Relaxed)] {
        digest.update(number.to_be_bytes());
    }
    DedupKey::from_bytes(digest.finalize().into())
}
