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

/// Effects in PostgreSQL, exactly once: the event is recorded in the handler's
/// own transaction, and its commit makes both one.
///
/// ```no_run
/// use axum::extract::State;
/// use axum::{Router, http::StatusCode, routing::post};
/// use tower_webhook::inbox::{NotFresh, TransactionalInbox};
/// use tower_webhook::{Delivery, Verifier, WebhookLayer, provider};
///
/// async fn paid(
///     State(inbox): State<TransactionalInbox>,
///     delivery: Delivery,
/// ) -> Result<StatusCode, NotFresh> {
///     // An event that was processed is answered 200 here, one that is being
///     // processed 503.
///     let mut fresh = inbox.begin(&delivery, None).await?;
///     sqlx::query("INSERT INTO payments (event) VALUES ($1)")
///         .bind(delivery.event_id().map(|id| id.as_str()))
///         .execute(&mut *fresh)
///         .await?;
///     fresh.commit().await?;
///     Ok(StatusCode::OK)
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::PgPool::connect("postgres://shop:secret@db/shop").await?;
/// let inbox = TransactionalInbox::new(pool);
/// inbox.store().migrate().await?;
///
/// let stripe = Verifier::new(provider::stripe(), "whsec_example")?;
/// let layer = WebhookLayer::new(stripe).without_dedup();
/// let app: Router = Router::new()
///     .route("/stripe", post(paid).layer(layer))
///     .with_state(inbox);
/// # Ok(())
/// # }
/// ```
///
/// With feature `axum`, [`Fresh`] is an extractor too, for handlers whose state
/// has a `TransactionalInbox` (`FromRef`): it begins with the request's
/// [`Delivery`](crate::Delivery) and [`Tenant`](crate::delivery::Tenant), and a
/// handler is called for fresh events only. [`begin_in`](Self::begin_in) records
/// in a transaction that you opened.
///
/// # What is promised
///
/// *Effects in that database happen exactly once for each event*, while it is
/// remembered. If the handler fails, its process dies or the server restarts
/// before the commit, there is neither effect nor record, and the next delivery
/// is fresh. A commit whose answer was lost is found by the next delivery. Of
/// several deliveries at the same time one has the open transaction, on whatever
/// machine; the others wait for it, and are duplicates, fresh or busy as it ends.
/// That takes no lease, so nothing runs out, and a slow handler is never
/// overtaken.
///
/// Effects elsewhere (an e-mail, a call of another service) are not undone by a
/// rollback. Write them down in the same transaction, as jobs for later.
///
/// # What to know
///
/// - The transaction holds a connection of the pool for as long as the handler
///   runs. A handler that calls slow services belongs behind a
///   [lease](crate::dedup) instead.
/// - A handler should answer with an error status when it does not commit, so
///   that the provider comes again; `?` on errors of sqlx does
///   ([`NotFresh::Unavailable`]).
/// - **With leases on the same table.** Key and table are those of
///   [`PostgresStore`], so a route can change from one to the other with events
///   under way: an event whose lease is live is busy here, one whose lease has
///   ended is taken over, and its late owner refused; an event in an open
///   transaction is busy there. But do not put a layer over the same table *in
///   front of* this: it holds the lease on the very event, which then is always
///   busy. Use [`WebhookLayer::without_dedup`](crate::WebhookLayer::without_dedup),
///   or leave the layer its store in memory, which does no harm and answers some
///   duplicates without the database. (An event to be processed again must then
///   be forgotten by both.)
/// - [`DedupLayer::forget`](crate::dedup::DedupLayer::forget) over
///   [`store`](Self::store), with the same endpoint, lets an event be processed
///   again.
/// - An event that nothing tells from others
///   ([`without_content_identity`](crate::signature::Scheme::without_content_identity))
///   gets a transaction without a record.
/// - The transaction has the isolation level that is the connection's default.
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
