//! Events in a table of PostgreSQL (feature `postgres`).
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use axum::{Router, http::StatusCode, routing::post};
//! use tower_webhook::store::PostgresStore;
//! use tower_webhook::{Delivery, Verifier, WebhookLayer, provider};
//!
//! async fn paid(delivery: Delivery) -> StatusCode {
//!     println!("{:?}", delivery.event_id());
//!     StatusCode::OK
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::connect("postgres://webhooks:secret@db/webhooks").await?;
//! store.migrate().await?; // or `check`, where you migrate by yourself
//!
//! let stripe = Verifier::new(provider::stripe(), "whsec_example")?;
//! let layer = WebhookLayer::new(stripe).with_store(Arc::new(store))?;
//! // On each of your machines. The first delivery of an event reaches `paid` on
//! // one of them; one that is repeated to another is answered 200 without a call.
//! let app: Router = Router::new().route("/stripe", post(paid).layer(layer));
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! - An event whose handler succeeded is not processed again while it is
//!   remembered; one whose handler failed, or whose machine died, is processed at
//!   its next delivery. That is *at least once*.
//! - Of all machines, one at a time has an event, while leases hold. The server's
//!   clock measures them, so the machines need not agree on the time. A machine
//!   that comes back late changes nothing any more: each step is one statement
//!   whose conditions name the owner of the lease.
//! - What was answered is committed, as durably as the server commits: with
//!   `synchronous_commit = off`, or behind an asynchronous failover, the last
//!   events can be forgotten and then run again. None is lost.
//! - Where the effects are in the same database, the
//!   [`TransactionalInbox`](crate::inbox::TransactionalInbox) gives them *exactly
//!   once*.
//!
//! # What it costs
//!
//! One statement to claim, one to complete, each a round trip; a second one where
//! a claim is refused. A completion writes no index
//! ([HOT](https://www.postgresql.org/docs/current/storage-hot.html)), because the
//! end of a row is rounded up to the next step of a sixty-fourth of its life, of a
//! minute at most: a row lives that much longer than was asked. An event takes up
//! to 200 bytes with its indexes; rows that have expired count as absent, and are
//! [deleted](PostgresStore::reap) by the way.
//!
//! # Deployment caveats
//!
//! - **Server**: PostgreSQL 14 or later, the primary.
//!   [`check`](PostgresStore::check) says at the start what is not right.
//! - **Privileges**: `SELECT`, `INSERT`, `UPDATE` and `DELETE` on the table; to
//!   [`migrate`](PostgresStore::migrate), `CREATE` in its schema. Who migrates
//!   with a tool of their own runs [`sql::MIGRATION`].
//! - **A pool of yours** ([`new`](PostgresStore::new)): `test_before_acquire(false)`
//!   saves a round trip for each step, and this store does not need it. Set an
//!   `acquire_timeout`, a `lock_timeout` and a `statement_timeout` below the two
//!   seconds for which layers wait: then what went wrong is known, and a row that
//!   somebody's open transaction holds is *busy* instead of the store
//!   unavailable. Behind PgBouncer in its transaction mode, sqlx's prepared
//!   statements need PgBouncer 1.21.
//! - **At run time** a server that is down, a table that is gone, a pool without
//!   a free connection are [`StoreError::Unavailable`] with the cause: the layer
//!   answers 503, and the sender comes again. A full disk is [`StoreError::Full`]:
//!   503 as well, whatever the policy for a store that does not answer.
//! - **Keys** are the first 128 bits of a [`DedupKey`].
//!
//! [`StoreError::Unavailable`]: super::StoreError::Unavailable
//! [`StoreError::Full`]: super::StoreError::Full

pub(crate) mod bind;
mod reap;
mod setup;
pub mod sql;
pub(crate) mod steps;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

use self::reap::Reaper;
use self::sql::{INDEX_SUFFIX, Statements, TABLE};
use super::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreFuture,
};
use crate::ConfigError;
pub use crate::postgres::PostgresSetupError;
use crate::postgres::TableName;

/// Remembers events in a table, for all machines that use it. See the
/// [module docs](self).
///
/// Cloning is cheap: clones share their pool.
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    statements: Arc<Statements>,
    /// `None`: the user reaps.
    reaper: Option<Arc<Reaper>>,
}

impl PostgresStore {
    /// A store over a pool of yours, in the table
    /// [`webhook_events`](sql::TABLE). Connects to nothing yet: see
    /// [`check`](Self::check).
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            statements: Arc::new(Statements::new(TableName::known(TABLE))),
            reaper: Some(Arc::new(Reaper::new())),
        }
    }

    /// Uses another table: `table`, or `schema.table`. Without a schema, the
    /// connection's `search_path` says where it is. The name is case-sensitive.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidTableName`] if a part is not made of ASCII letters,
    /// digits and `_`, or too long.
    pub fn with_table(mut self, name: &str) -> Result<Self, ConfigError> {
        let table = TableName::parse(name, INDEX_SUFFIX)?;
        self.statements = Arc::new(Statements::new(table));
        Ok(self)
    }

    /// Leaves it to you to call [`reap`](Self::reap).
    #[must_use]
    pub fn without_automatic_reaping(mut self) -> Self {
        self.reaper = None;
        self
    }

    /// The pool it works with.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) fn statements(&self) -> &Statements {
        &self.statements
    }

    /// Counts an event, and reaps now and then.
    pub(crate) fn after_claim(&self) {
        if let Some(reaper) = &self.reaper {
            reaper.after_claim(self);
        }
    }
}

impl DedupStore for PostgresStore {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async move {
            self.after_claim();
            steps::claim(self, claim).await
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(steps::renew(self, key, owner, lease, ttl))
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(steps::complete(self, key, owner, completion))
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(steps::release(self, key, owner))
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(steps::forget(self, key))
    }
}

/// Shows neither the address of the server nor who logs in.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("table", &self.statements.table)
            .field("connections", &self.pool.size())
            .finish_non_exhaustive()
    }
}
