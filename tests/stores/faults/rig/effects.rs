//! What handlers did.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgArguments, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Row};

use crate::servers;

/// A table of what handlers did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Effects {
    url: String,
    table: String,
}

impl Effects {
    /// In the database that the tests of this process share.
    pub async fn new() -> Self {
        Self::on(servers::Postgres::shared()).await
    }

    pub async fn on(server: &servers::Postgres) -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(1);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let effects = Self {
            url: server.url(),
            table: format!("effects_{number}"),
        };
        let create = format!(
            "CREATE TABLE {} (number bigserial, worker text, event text, attempt integer)",
            effects.table
        );
        let create = sqlx::raw_sql(AssertSqlSafe(create));
        create.execute(&effects.pool()).await.unwrap();
        effects
    }

    pub fn pool(&self) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(4);
        pool.connect_lazy(&self.url).unwrap()
    }

    pub fn insert(
        &self,
        worker: &str,
        event: &str,
        attempt: u32,
    ) -> Query<'static, Postgres, PgArguments> {
        let insert = format!(
            "INSERT INTO {} (worker, event, attempt) VALUES ($1, $2, $3)",
            self.table
        );
        sqlx::query(AssertSqlSafe(insert))
            .bind(worker.to_owned())
            .bind(event.to_owned())
            .bind(i32::try_from(attempt).unwrap())
    }

    /// Those of the event, in their order: who, and in which attempt.
    pub async fn of(&self, event: &str) -> Vec<(String, i32)> {
        let select = format!(
            "SELECT worker, attempt FROM {} WHERE event = $1 ORDER BY number",
            self.table
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(event);
        let rows = rows.fetch_all(&self.pool()).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    pub async fn count(&self, event: &str) -> usize {
        self.of(event).await.len()
    }

    /// How many events have effects, and how many effects there are.
    pub async fn total(&self) -> (i64, i64) {
        let select = format!("SELECT count(DISTINCT event), count(*) FROM {}", self.table);
        let row = sqlx::query(AssertSqlSafe(select));
        let row = row.fetch_one(&self.pool()).await.unwrap();
        (row.get(0), row.get(1))
    }
}
