//! The protocol, against what every store must do and what only this one can.

use std::time::Duration;

use sqlx::{PgPool, Row};
use tower_webhook::dedup::DedupLayer;
use tower_webhook::provider;
use tower_webhook::store::conformance;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupStore, Fingerprint, Owner, PostgresStore,
    StoreError,
};

use super::{LEASE, TTL, Table, key};
use crate::servers::Postgres;

const A: Owner = Owner::from_u128(1);
const B: Owner = Owner::from_u128(2);
const WON: Claimed = Claimed::Won { attempt: 1 };

fn claim(number: u8, owner: Owner) -> Claim {
    Claim::new(key(number), owner, LEASE, TTL)
}

fn done() -> Completion {
    Completion::new(Fingerprint::NONE, 200, TTL)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_conforms() {
    conformance::check(&Table::shared().await).await;
}

/// A transaction in which the first key is recorded.
async fn record_openly(table: &Table) -> sqlx::PgTransaction<'static> {
    let mut open = table.pool().begin().await.unwrap();
    let insert = format!(
        "INSERT INTO {} (key, owner, fingerprint, expires_at, attempt, status, state) \
         VALUES ('{}', gen_random_uuid(), 0, now() + interval '1 h', 1, 200, 'd')",
        table.name,
        "01".repeat(16)
    );
    let insert = sqlx::raw_sql(sqlx::AssertSqlSafe(insert));
    insert.execute(&mut *open).await.unwrap();
    open
}

/// C21: the claimer is gone before the reply comes, and claims again.
#[tokio::test]
async fn c21_a_claim_whose_reply_was_lost_is_the_same_again() {
    let table = Table::shared().await;
    let lock = record_openly(&table).await;
    let (store, wanted) = (std::sync::Arc::clone(&table.store), claim(1, A));
    let lost = tokio::spawn(async move { store.claim(&wanted).await });
    table.waits_for_lock().await;
    lost.abort();
    assert!(lost.await.unwrap_err().is_cancelled());
    lock.rollback().await.unwrap();
    while table.count().await == 0 {
        tokio::task::yield_now().await;
    }

    for _ in 0..2 {
        assert_eq!(table.store.claim(&claim(1, A)).await.unwrap(), WON);
    }
    let other = table.store.claim(&claim(1, B)).await.unwrap();
    assert!(matches!(other, Claimed::Busy { attempt: 1, .. }));
    assert_eq!(table.count().await, 1);
}

/// C28: what is done stays done, until an operator forgets it.
#[tokio::test]
async fn c28_a_forgotten_event_runs_again() {
    let table = Table::shared().await;
    let layer = DedupLayer::new(std::sync::Arc::clone(&table.store) as _);
    let id = tower_webhook::delivery::EventId::new("evt_1").unwrap();
    let unknown = layer.forget(&provider::stripe(), None, &id).await;
    assert!(!unknown.unwrap());

    table.store.claim(&claim(1, A)).await.unwrap();
    table.store.complete(&key(1), A, done()).await.unwrap();
    let again = table.store.claim(&claim(1, B)).await.unwrap();
    assert!(matches!(again, Claimed::Duplicate { status: 200, .. }));
    assert!(table.store.forget(&key(1)).await.unwrap());
    assert_eq!(table.store.claim(&claim(1, B)).await.unwrap(), WON);
}

#[tokio::test]
async fn a_row_that_has_expired_reads_as_absent_everywhere() {
    let table = Table::shared().await;
    let store = &table.store;
    for number in 1..=5 {
        assert_eq!(store.claim(&claim(number, A)).await.unwrap(), WON);
    }
    table.advance(TTL + Duration::from_secs(61)).await;
    let lost = store.renew(&key(1), A, LEASE, TTL).await.unwrap();
    assert_eq!(lost, tower_webhook::store::Renewed::Lost);
    let free = store.release(&key(2), A).await.unwrap();
    assert_eq!(free, tower_webhook::store::Released::NotOwner);
    assert!(!store.forget(&key(3)).await.unwrap());
    let completed = store.complete(&key(4), A, done()).await.unwrap();
    assert_eq!(completed, Completed::Recreated);
    let other = claim(5, B).with_fingerprint(Fingerprint::from_u64(9));
    assert_eq!(store.claim(&other).await.unwrap(), WON);
}

/// No row lives shorter than was promised, and none much longer.
#[tokio::test]
async fn the_end_of_a_row_is_rounded_up_and_never_down() {
    let table = Table::shared().await;
    let ttls = [1, 999, 64_000, 3_600_000, 96 * 3_600_000_u64].map(Duration::from_millis);
    for (number, ttl) in (1..).zip(ttls) {
        let claim = Claim::new(key(number), A, Duration::from_micros(1), ttl);
        table.store.claim(&claim).await.unwrap();
        let row = table
            .row(
                "SELECT (extract(epoch FROM expires_at - lease_until) * 1000000)::bigint FROM {} \
                 ORDER BY expires_at DESC LIMIT 1",
            )
            .await;
        let life = Duration::from_micros(row.get::<i64, _>(0).try_into().unwrap());
        let grain = (ttl / 64).clamp(Duration::from_millis(1), Duration::from_secs(60));
        // The two ends are computed microseconds apart.
        let slack = Duration::from_millis(50);
        assert!(life + slack > ttl, "{life:?} for {ttl:?}");
        assert!(life <= ttl + grain, "{life:?} for {ttl:?}");
    }
    let forever = Claim::new(key(99), A, Duration::MAX, Duration::MAX);
    assert_eq!(table.store.claim(&forever).await.unwrap(), WON);
}

/// A completion changes no index: what it costs does not grow with the table.
#[tokio::test]
async fn completions_and_releases_are_heap_only_updates() {
    const EVENTS: u8 = 200;
    let table = Table::shared().await;
    for number in 0..EVENTS {
        table.store.claim(&claim(number, A)).await.unwrap();
        let completed = table.store.complete(&key(number), A, done()).await;
        assert_eq!(completed.unwrap(), Completed::Done);
    }
    // Backends report their counts when they are idle for a second.
    table.pool().close().await;
    let pool = PgPool::connect(&Postgres::shared().url()).await.unwrap();
    let table = Table {
        store: PostgresStore::new(pool).into(),
        name: table.name.clone(),
    };
    let updates = async || {
        let row = table
            .row("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = '{}'")
            .await;
        (row.get::<i64, _>(0), row.get::<i64, _>(1))
    };
    let mut counts = updates().await;
    while counts.0 < i64::from(EVENTS) {
        tokio::task::yield_now().await;
        counts = updates().await;
    }
    // All but those at the turn of a minute.
    assert_eq!(counts.0, i64::from(EVENTS));
    assert!(counts.1 >= i64::from(EVENTS) * 9 / 10, "{counts:?}");
}

/// What a machine finds that is waiting for a row in another's open transaction.
#[tokio::test]
async fn an_event_that_an_open_transaction_records_is_busy() {
    let table = Table::shared().await;
    let open = record_openly(&table).await;
    let busy = table.store.claim(&claim(1, A)).await.unwrap();
    assert!(matches!(busy, Claimed::Busy { .. }), "{busy:?}");
    open.commit().await.unwrap();
    let known = table.store.claim(&claim(1, A)).await.unwrap();
    assert!(matches!(known, Claimed::Duplicate { .. }), "{known:?}");
}

/// Some set another isolation level for all of their database.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_conforms_at_the_level_serializable() {
    let setting = ("default_transaction_isolation", "serializable");
    let table = Table::with(Postgres::shared(), &[setting]).await;
    let row = table
        .row("SELECT current_setting('transaction_isolation')")
        .await;
    assert_eq!(row.get::<String, _>(0), "serializable");
    conformance::check(&table).await;
}

#[tokio::test]
async fn a_full_pool_is_an_unavailable_store() {
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(60))
        .connect(&Postgres::shared().url())
        .await
        .unwrap();
    let held = pool.acquire().await.unwrap();
    // From here on, time passes while nothing happens.
    tokio::time::pause();
    let store = PostgresStore::new(pool);
    let refused = store.claim(&claim(1, A)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    drop(held);
}
