//! Events in a table of PostgreSQL (feature `postgres`).

pub(crate) mod bind;
mod error;
mod reap;
mod setup;
pub mod sql;
pub(crate) mod steps;
mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

pub use self::error::PostgresSetupError;
use self::reap::Reaper;
use self::sql::Statements;
use self::table::TableName;
use super::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreFuture,
};
use crate::ConfigError;

/// Remembers events in a table.
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
            statements: Arc::new(Statements::new(TableName::default())),
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
        self.statements = Arc::new(Statements::new(TableName::parse(name)?));
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
