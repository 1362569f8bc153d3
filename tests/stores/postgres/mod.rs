//! The store and the transactional inbox on a real PostgreSQL.

mod inbox;
mod layer;
mod protocol;
mod reaper;
mod setup;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgPool, Row};
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
        Self::with(server, &[]).await
    }

    /// With further settings of its connections. A busy machine may be slow.
    pub(crate) async fn with(server: &Postgres, settings: &[(&str, &str)]) -> Self {
        let settings = [("statement_timeout", "60s"), ("lock_timeout", "3s")]
            .iter()
            .chain(settings)
            .map(|(name, value)| format!("-c%20{name}%3D{value}"))
            .collect::<Vec<_>>();
        let url = format!("{}&options={}", server.url(), settings.join("%20"));
        let store = PostgresStore::connect(&url).await.unwrap();
        let name = new_name();
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

    /// Runs a statement in which `{}` is the table, on a connection that is
    /// alive.
    pub(crate) async fn run(&self, sql: &str) -> u64 {
        let sql = sql.replace("{}", &self.name);
        loop {
            let sql = AssertSqlSafe(sql.clone());
            match sqlx::raw_sql(sql).execute(self.pool()).await {
                Err(sqlx::Error::Io(_)) => {}
                done => return done.unwrap().rows_affected(),
            }
        }
    }

    pub(crate) async fn row(&self, sql: &str) -> PgRow {
        let sql = AssertSqlSafe(sql.replace("{}", &self.name));
        sqlx::query(sql).fetch_one(self.pool()).await.unwrap()
    }

    /// Until a statement on the table waits for another transaction.
    pub(crate) async fn waits_for_lock(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND query LIKE '%{}%'";
        while self.row(waiting).await.get::<i64, _>(0) == 0 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn count(&self) -> i64 {
        self.row("SELECT count(*) FROM {}").await.get(0)
    }
}

pub(crate) fn new_name() -> String {
    static TABLES: AtomicU32 = AtomicU32::new(1);
    let number = TABLES.fetch_add(1, Ordering::Relaxed);
    format!("events_{number}x")
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
