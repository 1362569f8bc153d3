//! The store in Redis: its rate beside that of scripts that do nothing, and of
//! such that write once, and the memory it takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use tokio::task::JoinSet;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Fingerprint, Owner, RedisStore,
};

use crate::servers::Redis;

const LEASE: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(96 * 3600);
const ROUNDS: usize = 41;
/// For answers, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const EVENTS: u64 = 1_000_000;

pub fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        println!("Redis: claim and complete, beside two scripts of equal size");
        for tasks in [1, 64] {
            rate(tasks, "that do nothing", IDLE).await;
            rate(tasks, "that write once", WRITING).await;
        }
        memory().await;
    });
}

async fn connection(server: &Redis) -> MultiplexedConnection {
    let client = ::redis::Client::open(server.url()).unwrap();
    let config = ::redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    connection.await.unwrap()
}

const IDLE: [&str; 2] = ["return {0, 1}", "return 0"];
const WRITING: [&str; 2] = [
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return {0, 1}",
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) return 0",
];

async fn rate(tasks: u64, what: &str, scripts: [&str; 2]) {
    let server = Redis::start();
    let connection = connection(&server).await;
    let bare = Bare::load(connection.clone(), scripts).await;
    let store = std::sync::Arc::new(RedisStore::new(connection.clone()));
    let pairs = 4_000 / tasks;
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        together(tasks, || {
            let store = std::sync::Arc::clone(&store);
            async move {
                for _ in 0..pairs {
                    once(&store).await;
                }
            }
        })
        .await;
        let ours = started.elapsed().as_secs_f64();
        let started = Instant::now();
        together(tasks, || {
            let bare = bare.clone();
            async move {
                for _ in 0..pairs {
                    bare.once().await;
                }
            }
        })
        .await;
        ratios.push(started.elapsed().as_secs_f64() / ours);
        #[allow(clippy::cast_precision_loss)]
        rates.push((tasks * pairs) as f64 / ours);
        let flush = ::redis::cmd("FLUSHALL");
        flush.exec_async(&mut connection.clone()).await.unwrap();
    }
    println!(
        "  {tasks:>2} at a time: {:>7.0} events/s, {:.2} of the rate of scripts {what} (target 0.8)",
        median(rates),
        median(ratios)
    );
}

async fn memory() {
    let server = Redis::start();
    let mut connection = connection(&server).await;
    let store = std::sync::Arc::new(RedisStore::new(connection.clone()));
    // What the first scripts take is no event's.
    once(&store).await;
    let before = used_memory(&mut connection).await;
    together(200, || {
        let store = std::sync::Arc::clone(&store);
        async move {
            for _ in 0..EVENTS / 200 {
                once(&store).await;
            }
        }
    })
    .await;
    let used = used_memory(&mut connection).await - before;
    #[allow(clippy::cast_precision_loss)]
    let each = used as f64 / EVENTS as f64;
    println!("  {EVENTS} events remembered: {each:.1} bytes each (target 150)");
}

/// One event from its claim to its completion.
async fn once(store: &RedisStore<MultiplexedConnection>) {
    let (key, owner) = (next_key(), Owner::from_u128(7));
    let claim = Claim::new(key, owner, LEASE, TTL).with_fingerprint(Fingerprint::from_u64(1));
    let claimed = store.claim(&claim).await.unwrap();
    assert_eq!(claimed, Claimed::Won { attempt: 1 });
    let completion = Completion::new(Fingerprint::from_u64(1), 200, TTL);
    let completed = store.complete(&key, owner, completion).await.unwrap();
    assert_eq!(completed, Completed::Done);
}

fn next_key() -> DedupKey {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    DedupKey::from_bytes(bytes)
}

/// Two scripts whose arguments and answers are as long as the store's.
#[derive(Clone)]
struct Bare {
    connection: MultiplexedConnection,
    claim: String,
    complete: String,
}

impl Bare {
    async fn load(mut connection: MultiplexedConnection, sources: [&str; 2]) -> Self {
        let mut scripts = Vec::new();
        for source in sources {
            let mut load = ::redis::cmd("SCRIPT");
            load.arg("LOAD").arg(source);
            scripts.push(load.query_async(&mut connection).await.unwrap());
        }
        let complete = scripts.pop().unwrap();
        let claim = scripts.pop().unwrap();
        Self {
            connection,
            claim,
            complete,
        }
    }

    async fn once(&self) {
        let digest = next_key();
        let key = format!("twh:{}", hex::encode(&digest.as_bytes()[..11]));
        let mut connection = self.connection.clone();
        let mut claim = ::redis::cmd("EVALSHA");
        claim.arg(&self.claim).arg(1).arg(&key);
        claim.arg(&[7_u8; 37][..]).arg(345_600_000);
        let claimed: Vec<u64> = claim.query_async(&mut connection).await.unwrap();
        assert_eq!(claimed, [0, 1]);
        // As two steps of a request have it, which do not know of each other.
        let mut connection = self.connection.clone();
        let mut complete = ::redis::cmd("EVALSHA");
        complete.arg(&self.complete).arg(1).arg(&key);
        complete
            .arg(&[7_u8; 12][..])
            .arg(&[7_u8; 16][..])
            .arg(345_600_000);
        let completed: u64 = complete.query_async(&mut connection).await.unwrap();
        assert_eq!(completed, 0);
    }
}

async fn together<F: Future<Output = ()> + Send + 'static>(tasks: u64, make: impl Fn() -> F) {
    let running: JoinSet<()> = (0..tasks).map(|_| make()).collect();
    running.join_all().await;
}

async fn used_memory(connection: &mut MultiplexedConnection) -> u64 {
    let mut info = ::redis::cmd("INFO");
    let info: String = info.arg("memory").query_async(connection).await.unwrap();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
