//! Claim and complete against two bare upserts, and the size of a million
//! events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Row, query};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tower_webhook::store::{Claim, Completion, DedupKey, DedupStore, Fingerprint, Owner};
use tower_webhook::store::{Claimed, Completed, PostgresStore};

use crate::servers::Postgres;

const LEASE: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(96 * 60 * 60);
/// Two statements each.
const BATCH: u64 = 600;
const ROUNDS: usize = 31;
const MILLION: u64 = 1_000_000;

/// Columns as wide as ours, the primary key, and nothing else.
const BARE_TABLE: &str = "CREATE TABLE bare (key bytea PRIMARY KEY, owner bytea NOT NULL, \
    fingerprint bigint NOT NULL, lease_until bigint, expires_at bigint NOT NULL, \
    attempt integer NOT NULL, status smallint, state smallint NOT NULL)";
const BARE_UPSERT: &str = "INSERT INTO bare VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
    ON CONFLICT (key) DO UPDATE SET owner = EXCLUDED.owner, fingerprint = EXCLUDED.fingerprint, \
    lease_until = EXCLUDED.lease_until, expires_at = EXCLUDED.expires_at, \
    attempt = EXCLUDED.attempt, status = EXCLUDED.status, state = EXCLUDED.state \
    RETURNING attempt";

pub fn run() {
    let runtime = Runtime::new().unwrap();
    let server = Postgres::with(&["shared_buffers=512MB", "max_wal_size=8GB"]);
    runtime.block_on(async {
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_secs(60))
            .connect(&server.url())
            .await
            .unwrap();
        let store = PostgresStore::new(pool.clone());
        store.migrate().await.unwrap();
        query(BARE_TABLE).execute(&pool).await.unwrap();
        let store = Arc::new(store);
        for tasks in [1, 16] {
            rates(&store, &pool, tasks).await;
        }
        query("TRUNCATE webhook_events")
            .execute(&pool)
            .await
            .unwrap();
        size(&store, &pool).await;
    });
}

/// The two cases take turns, a batch each; the ratio is the median over the
/// rounds of one batch to the other beside it.
async fn rates(store: &Arc<PostgresStore>, pool: &PgPool, tasks: u64) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let one = timed(batch(tasks, |number| events(Arc::clone(store), number))).await;
        let other = timed(batch(tasks, |number| upserts(pool.clone(), number))).await;
        // The first connects and prepares.
        if round > 0 {
            ours.push(one);
            bare.push(other);
        }
    }
    let ratio = median(bare.iter().zip(&ours).map(|(bare, ours)| bare / ours));
    let per_second = |times: &[f64]| {
        #[allow(clippy::cast_precision_loss)]
        let batch = BATCH as f64;
        batch / median(times.iter().copied())
    };
    println!(
        "{tasks:>2} tasks: claim + complete {:>6.0}/s, two bare upserts {:>6.0}/s: ratio {ratio:.2}",
        per_second(&ours),
        per_second(&bare),
    );
}

async fn batch<F>(tasks: u64, case: impl Fn(u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        running.spawn(case(BATCH / tasks));
    }
    running.join_all().await;
}

async fn events(store: Arc<PostgresStore>, number: u64) {
    for _ in 0..number {
        let (key, owner) = next();
        let claim = Claim::new(key, owner, LEASE, TTL).with_fingerprint(Fingerprint::from_u64(7));
        let claimed = store.claim(&claim).await.unwrap();
        assert_eq!(claimed, Claimed::Won { attempt: 1 });
        let done = Completion::new(claim.fingerprint, 200, TTL);
        let completed = store.complete(&key, owner, done).await.unwrap();
        assert_eq!(completed, Completed::Done);
    }
}

async fn upserts(pool: PgPool, number: u64) {
    for _ in 0..number {
        let (key, owner) = next();
        for state in [1_i16, 2] {
            let row = query(BARE_UPSERT)
                .bind(&key.as_bytes()[..16])
                .bind(owner.as_u128().to_be_bytes())
                .bind(7_i64)
                .bind((state == 1).then_some(30_000_i64))
                .bind(345_600_000_i64)
                .bind(1_i32)
                .bind((state == 2).then_some(200_i16))
                .bind(state);
            assert!(row.fetch_optional(&pool).await.unwrap().is_some());
        }
    }
}

/// A million events through the store itself, by 16 tasks.
async fn size(store: &Arc<PostgresStore>, pool: &PgPool) {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..16 {
        running.spawn(events(Arc::clone(store), MILLION / 16));
    }
    running.join_all().await;
    let seconds = started.elapsed().as_secs();
    let bytes = |of: &str| {
        let sql = format!("SELECT {of}::float8 / (SELECT count(*) FROM webhook_events)");
        async move {
            let row = query(AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
            row.get::<f64, _>(0)
        }
    };
    println!(
        "{MILLION} events after {seconds} s: {:.0} bytes each ({:.0} in the table, {:.0} in its \
         primary key, {:.0} in the index of ends)",
        bytes("pg_total_relation_size('webhook_events')").await,
        bytes("pg_relation_size('webhook_events')").await,
        bytes("pg_relation_size('webhook_events_pkey')").await,
        bytes("pg_relation_size('webhook_events_expires_at')").await,
    );
}

/// Keys that look random, as digests do.
fn next() -> (DedupKey, Owner) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut key = [0; 32];
    let mut state = number;
    for eight in key.chunks_exact_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        eight.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
        state = mixed;
    }
    (
        DedupKey::from_bytes(key),
        Owner::from_u128(u128::from(number)),
    )
}

async fn timed(work: impl Future<Output = ()>) -> f64 {
    let started = Instant::now();
    work.await;
    started.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
