use std::fmt;
use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::Timestamp;
use crate::delivery::{EventId, Tenant};
use crate::inbox::event::Record;
use crate::inbox::{InboxEvent, json};
use crate::store::DedupKey;

/// An event as it came out of the table.
#[derive(Clone)]
pub struct StoredEvent {
    event: InboxEvent,
    attempt: u32,
    tries: u32,
    is_dead: bool,
    last_error: Option<String>,
}

impl StoredEvent {
    /// What was stored.
    #[must_use]
    pub const fn event(&self) -> &InboxEvent {
        &self.event
    }

    /// 1 for the first time the event is processed, one more each time it is
    /// taken again. A fencing number for effects that must not happen twice:
    /// `… WHERE last_attempt < $attempt`.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The [class](super::Failure) of the last failure.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// The attempts since an operator had the event retried.
    pub(super) const fn tries(&self) -> u32 {
        self.tries
    }

    pub(super) const fn is_dead(&self) -> bool {
        self.is_dead
    }

    /// The attempt as the table counts it.
    pub(super) fn fence(&self) -> i32 {
        i32::try_from(self.attempt).unwrap_or(i32::MAX)
    }
}

impl TryFrom<&PgRow> for StoredEvent {
    type Error = sqlx::Error;

    fn try_from(row: &PgRow) -> Result<Self, sqlx::Error> {
        let event = Record {
            key: key(row.try_get("key")?)?,
            replay_key: None,
            provider: row.try_get::<String, _>("provider")?.into(),
            endpoint: row.try_get::<String, _>("endpoint")?.into(),
            tenant: row.try_get::<Option<String>, _>("tenant")?.map(Tenant::new),
            event_id: row
                .try_get::<Option<String>, _>("event_id")?
                .and_then(|id| EventId::new(id).ok()),
            event_type: row.try_get("event_type")?,
            timestamp: row.try_get::<Option<f64>, _>("sent_at")?.map(timestamp),
            key_label: row.try_get("verified_by")?,
            received_at: timestamp(row.try_get("received_at")?),
            headers: json::from_json(row.try_get("headers")?),
            body: row.try_get::<Vec<u8>, _>("body")?.into(),
            remember_for: Duration::try_from_secs_f64(row.try_get("remember_for")?)
                .unwrap_or_default(),
        };
        Ok(Self {
            event: event.into(),
            attempt: count(row.try_get("attempts")?),
            tries: count(row.try_get("tries")?),
            is_dead: row.try_get::<&str, _>("state")? == "dead",
            last_error: row.try_get("last_error")?,
        })
    }
}

fn key(bytes: Vec<u8>) -> Result<DedupKey, sqlx::Error> {
    let digest = <[u8; 32]>::try_from(bytes);
    let wrong = |_| sqlx::Error::Decode("a key has not 32 bytes".into());
    Ok(DedupKey::from_bytes(digest.map_err(wrong)?))
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// Exact to the millisecond: such a number has 53 bits.
#[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_unix_millis((seconds * 1000.0).round() as i64)
}

/// Shows neither body nor id nor header.
impl fmt::Debug for StoredEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredEvent")
            .field("event", &self.event)
            .field("attempt", &self.attempt)
            .field("last_error", &self.last_error)
            .finish_non_exhaustive()
    }
}

impl From<StoredEvent> for InboxEvent {
    fn from(stored: StoredEvent) -> Self {
        stored.event
    }
}

/// For a column of type `text`, which holds every character but this one.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Seconds of the epoch, for a time that PostgreSQL can hold.
pub(super) fn seconds(time: Timestamp) -> Option<f64> {
    const YEAR_10000: i64 = 253_402_300_800;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are enough")]
    (time.unix_seconds().abs() < YEAR_10000).then(|| time.unix_millis() as f64 / 1000.0)
}
