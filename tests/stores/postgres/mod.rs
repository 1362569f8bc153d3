//! The store and the transactional inbox on a real PostgreSQL.

mod protocol;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgPool};
use tower_webhook::store::conformance::{AdvanceFuture, Env};
use tower_webhook::store::{DedupKey, DedupStore, PostgresStore};

use crate::servers::Postgres;

/// A table of one's own, and its time.
pub(crate) struct Table {
    pub(crate) store: Arc<PostgresStore>,
    pub(crate) name: String,
}

impl Table {
    /// In the server that the tests of this process share.
    pub(crate) async fn shared() -> Self {
        Self::on(Postgres::shared()).await
    }

    pub(crate) async fn on(server: &Postgres) -> Self {
        let name = new_name();
        let store = PostgresStore::connect(&server.url()).await.unwrap();
        let store = store.with_table(&name).unwrap();
        store.migrate().await.unwrap();
        Self {
            store: Arc::new(store.without_automatic_reaping()),
            name,
        }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.store.pool()
    }

    /// Moves the rows instead of the clock.
    pub(crate) async fn advance(&self, by: Duration) {
        self.run(&format!(
            "UPDATE {{}} SET lease_until = lease_until - interval '{0} us', \
             expires_at = expires_at - interval '{0} us'",
            by.as_micros()
        ))
        .await;
    }

    /// Runs a statement in which `{}` is the table.
    pub(crate) async fn run(&self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.replace("{}", &self.name));
        let done = sqlx::raw_sql(sql).execute(self.pool()).await;
        done.unwrap().rows_affected()
    }

    pub(crate) async fn row(&self, sql: &str) -> PgRow {
        let sql = AssertSqlSafe(sql.replace("{}", &self.name));
        sqlx::query(sql).fetch_one(self.pool()).await.unwrap()
    }

    pub(crate) async fn count(&self) -> i64 {
        sqlx::Row::get(&self.row("SELECT count(*) FROM {}").await, 0)
    }
}

pub(crate) fn new_name() -> String {
    static TABLES: AtomicU32 = AtomicU32::new(1);
    let number = TABLES.fetch_add(1, Ordering::Relaxed);
    format!("events_{number}")
}

/// A key that is not another test's.
pub(crate) fn key(number: u8) -> DedupKey {
    DedupKey::from_bytes([number; 32])
}

pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const TTL: Duration = Duration::from_secs(96 * 60 * 60);

impl Env for Table {
    fn store(&self) -> Arc<dyn DedupStore> {
        Arc::clone(&self.store) as Arc<dyn DedupStore>
    }

    fn lease(&self) -> Duration {
        LEASE
    }

    fn advance(&self, by: Duration) -> AdvanceFuture<'_> {
        Box::pin(self.advance(by))
    }
}
