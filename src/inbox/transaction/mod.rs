//! The record of an event in the transaction of its effects.

mod begin;
#[cfg(feature = "axum")]
mod extract;
mod fresh;
mod not_fresh;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

pub use self::{fresh::Fresh, not_fresh::NotFresh};
use crate::ConfigError;
use crate::store::PostgresStore;

/// Effects in PostgreSQL, exactly once.
#[derive(Clone)]
pub struct TransactionalInbox {
    store: PostgresStore,
    endpoint: Arc<str>,
    ttl: Duration,
    lock_timeout: Duration,
    idle_timeout: Duration,
}

impl TransactionalInbox {
    const TTL: Duration = Duration::from_secs(96 * 60 * 60);
    const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
    const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
    /// What "at once" is: a waiting time of zero is none at all to the server,
    /// and a busy one may take its own locks for a moment.
    const SHORTEST_LOCK_TIMEOUT: Duration = Duration::from_millis(10);

    /// An inbox in the table [`webhook_events`](crate::store::postgres::sql::TABLE)
    /// of the database where the effects are.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::from(PostgresStore::new(pool))
    }

    /// Tells endpoints apart that share a table and a provider, as
    /// [`DedupLayer::with_endpoint`](crate::dedup::DedupLayer::with_endpoint)
    /// does.
    #[must_use]
    pub fn with_endpoint(mut self, name: impl Into<Arc<str>>) -> Self {
        self.endpoint = name.into();
        self
    }

    /// How long an event is remembered (default: 96 hours). Should be longer
    /// than the provider goes on retrying
    /// ([`Scheme::retry_horizon`](crate::signature::Scheme::retry_horizon)); is
    /// never less than the time for which a signature counts as fresh.
    ///
    /// # Errors
    ///
    /// If `ttl` is zero.
    pub fn with_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.ttl = not_zero(ttl, "the time for which events are remembered")?;
        Ok(self)
    }

    /// How long a delivery waits for another one's transaction with the same
    /// event (default: two seconds), before it is [`Busy`](NotFresh::Busy).
    /// With zero it waits for ten milliseconds only.
    ///
    /// The whole transaction keeps this `lock_timeout`: a statement of yours
    /// that should wait longer for a lock sets its own with `SET LOCAL`.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long the transaction may stand still between two statements
    /// (default: a minute), before the server ends it and the event is fresh
    /// again.
    ///
    /// # Errors
    ///
    /// If `timeout` is zero.
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.idle_timeout = not_zero(timeout, "the timeout of an idle transaction")?;
        Ok(self)
    }

    /// The store over the same table: to make it, to check it at the start, and
    /// to reap.
    #[must_use]
    pub const fn store(&self) -> &PostgresStore {
        &self.store
    }
}

/// Over the table and the pool of a store.
impl From<PostgresStore> for TransactionalInbox {
    fn from(store: PostgresStore) -> Self {
        Self {
            store,
            endpoint: Arc::from(""),
            ttl: Self::TTL,
            lock_timeout: Self::LOCK_TIMEOUT,
            idle_timeout: Self::IDLE_TIMEOUT,
        }
    }
}

fn not_zero(duration: Duration, setting: &'static str) -> Result<Duration, ConfigError> {
    match duration.is_zero() {
        true => Err(ConfigError::Zero { setting }),
        false => Ok(duration),
    }
}

impl fmt::Debug for TransactionalInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionalInbox")
            .field("store", &self.store)
            .field("endpoint", &self.endpoint)
            .field("ttl", &self.ttl)
            .field("lock_timeout", &self.lock_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .finish()
    }
}
