//! Rows that have expired go by themselves.

use std::sync::Arc;
use std::time::Duration;

use tower_webhook::store::{Claim, DedupKey, DedupStore, Owner, PostgresStore};

use super::{LEASE, TTL, Table};

impl Table {
    /// Rows that have expired, and rows that have not.
    async fn fill(&self, expired: u32, live: u32) {
        for (count, when) in [(expired, "now() - interval '1 s'"), (live, "'infinity'")] {
            self.run(&format!(
                "INSERT INTO {{}} (key, owner, fingerprint, expires_at, attempt, status, state) \
                 SELECT gen_random_uuid(), gen_random_uuid(), 0, {when}, 1, 200, 'd' \
                 FROM generate_series(1, {count})"
            ))
            .await;
        }
    }
}

#[tokio::test]
async fn what_has_expired_is_deleted_in_batches() {
    let table = Table::shared().await;
    table.fill(2_500, 10).await;
    assert_eq!(table.store.reap().await.unwrap(), 2_500);
    assert_eq!(table.count().await, 10);
    assert_eq!(table.store.reap().await.unwrap(), 0);
    // Exactly one batch: another one finds nothing.
    table.fill(1_000, 0).await;
    assert_eq!(table.store.reap().await.unwrap(), 1_000);
}

#[tokio::test]
async fn machines_that_reap_at_once_share_the_work_and_do_not_wait() {
    let table = Table::shared().await;
    table.fill(8_000, 10).await;
    let reaped = futures::join_all((0..4).map(|_| table.store.reap())).await;
    let total: u64 = reaped.into_iter().map(Result::unwrap).sum();
    assert_eq!(total, 8_000);
    assert_eq!(table.count().await, 10);
}

/// A row that a transaction holds is not waited for.
#[tokio::test]
async fn what_another_holds_is_left_for_the_next_time() {
    let table = Table::shared().await;
    table.fill(5, 0).await;
    let mut other = table.pool().begin().await.unwrap();
    let lock = format!("SELECT 1 FROM {} LIMIT 1 FOR UPDATE", table.name);
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock))
        .execute(&mut *other)
        .await
        .unwrap();
    assert_eq!(table.store.reap().await.unwrap(), 4);
    other.rollback().await.unwrap();
    assert_eq!(table.store.reap().await.unwrap(), 1);
}

async fn claim_many(store: &Arc<PostgresStore>, count: u32) {
    for number in 0..count {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let key = DedupKey::from_bytes(bytes);
        let claim = Claim::new(key, Owner::from_u128(1), LEASE, TTL);
        store.claim(&claim).await.unwrap();
    }
}

#[tokio::test]
async fn claims_reap_by_the_way_unless_that_is_turned_off() {
    let table = Table::shared().await;
    table.fill(1_500, 0).await;
    claim_many(&table.store, 600).await;
    assert_eq!(table.count().await, 1_500 + 600);

    let pool = table.pool().clone();
    let store = PostgresStore::new(pool).with_table(&table.name).unwrap();
    claim_many(&Arc::new(store), 600).await;
    let patience = tokio::time::Instant::now() + Duration::from_secs(30);
    while table.count().await > 600 {
        assert!(tokio::time::Instant::now() < patience);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_run_at_a_time_deletes_four_batches_at_most() {
    let table = Table::shared().await;
    table.fill(10_000, 0).await;
    let store = Arc::new(
        PostgresStore::new(table.pool().clone())
            .with_table(&table.name)
            .unwrap(),
    );
    // Between 500 and 999 claims: one run, or two with one after the other.
    claim_many(&store, 500).await;
    let patience = tokio::time::Instant::now() + Duration::from_secs(30);
    while table.count().await > 6_000 + 500 {
        assert!(tokio::time::Instant::now() < patience);
        tokio::task::yield_now().await;
    }
    assert_eq!(table.count().await, 6_000 + 500);
}

mod futures {
    pub(super) async fn join_all<F>(futures: impl Iterator<Item = F>) -> Vec<F::Output>
    where
        F: Future,
    {
        let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
        std::future::poll_fn(|cx| {
            let mut pending = false;
            for (future, output) in &mut futures {
                if output.is_none() {
                    match future.as_mut().poll(cx) {
                        std::task::Poll::Ready(ready) => *output = Some(ready),
                        std::task::Poll::Pending => pending = true,
                    }
                }
            }
            match pending {
                true => std::task::Poll::Pending,
                false => std::task::Poll::Ready(()),
            }
        })
        .await;
        futures
            .into_iter()
            .filter_map(|(_, output)| output)
            .collect()
    }
}
