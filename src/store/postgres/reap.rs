//! Rows that have expired are deleted by the way.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sqlx::{PgConnection, Row, query};
use tokio::runtime::Handle;

use super::PostgresStore;
use super::sql::Statements;
use super::steps::unavailable;
use crate::store::StoreError;

/// How many claims lie between two automatic runs.
const CLAIMS: u64 = 500;
/// How many batches an automatic run deletes at most. Four thousand rows for
/// five hundred claims: a backlog gets shorter.
const BATCHES: u32 = 4;
/// How many rows a batch has: [`REAP`](super::sql::REAP) says so.
const BATCH: i64 = 1_000;

/// Counts claims, and deletes now and then.
pub(super) struct Reaper {
    claims: AtomicU64,
    running: AtomicBool,
}

impl Reaper {
    /// Starts anywhere in the count, so that processes started together take
    /// turns, and short-lived ones reap as well.
    pub(super) fn new() -> Self {
        let start = RandomState::new().hash_one(()) % CLAIMS;
        Self {
            claims: AtomicU64::new(start),
            running: AtomicBool::new(false),
        }
    }

    pub(super) fn after_claim(self: &Arc<Self>, store: &PostgresStore) {
        let claims = self.claims.fetch_add(1, Ordering::Relaxed);
        if claims % CLAIMS != CLAIMS - 1 || self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let turn = Turn(Arc::clone(self));
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (pool, statements) = (store.pool.clone(), Arc::clone(&store.statements));
        runtime.spawn(async move {
            let _turn = turn;
            // An error is found again by the next claim.
            let Ok(mut connection) = pool.acquire().await else {
                return;
            };
            for _ in 0..BATCHES {
                match batch(&mut connection, &statements).await {
                    Ok(deleted) if deleted >= BATCH => {}
                    _ => return,
                }
            }
        });
    }
}

/// One run at a time, however it ends.
struct Turn(Arc<Reaper>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
    }
}

impl PostgresStore {
    /// Deletes all rows that have expired, in batches of a thousand, and
    /// answers how many there were.
    ///
    /// The store does that by itself, a few batches every 500 claims, unless
    /// [turned off](Self::without_automatic_reaping). A row that has expired
    /// and is still there counts as absent. Several machines can reap at the
    /// same time; none waits for another.
    ///
    /// # Errors
    ///
    /// If the database does not answer. What was deleted so far stays deleted.
    pub async fn reap(&self) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let mut connection = self.pool.acquire().await.map_err(unavailable)?;
            let deleted = batch(&mut connection, &self.statements).await;
            let deleted = deleted.map_err(unavailable)?;
            total += u64::try_from(deleted).unwrap_or(0);
            if deleted < BATCH {
                return Ok(total);
            }
        }
    }
}

async fn batch(connection: &mut PgConnection, statements: &Statements) -> Result<i64, sqlx::Error> {
    let row = query(statements.reap.sql()).fetch_one(connection).await?;
    row.try_get(0)
}
