//! Random histories of every store, against the table of `tower_webhook::store`
//! written down once more in the plainest way.

mod reference;

use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use tokio::runtime::Runtime;
use tower_webhook::Timestamp;
use tower_webhook::store::conformance::{AdvanceFuture, Env};
use tower_webhook::store::{
    Claim, Claimed, Completion, DedupKey, DedupStore, Fingerprint, MemoryStore, Owner, ReadThrough,
};
use tower_webhook::testing::ManualClock;

use self::reference::{Answer, Model, Op, ticks};
use crate::postgres::Table;
use crate::redis::{own_store, time};
use crate::servers::Redis;

/// How a store is made.
trait Kind {
    /// Servers run on while their rows are moved, and may keep a row for a
    /// little longer than they must: what is to end at a tick then ends half a
    /// tick before it.
    const EXACT: bool;

    fn env(runtime: &Runtime) -> Arc<dyn Env>;

    fn lasting(count: u32) -> Duration {
        match Self::EXACT {
            true => ticks(count),
            false => ticks(count) - ticks(1) / 2,
        }
    }

    /// Whether `got` is the answer wanted, but for the inexactness of the time
    /// that is left.
    fn agree(got: Answer, want: Answer) -> bool {
        let (Some(left), Some(wanted)) = (left(got), left(want)) else {
            return got == want;
        };
        let same = format!("{got:?}").replace(&format!("{left:?}"), &format!("{wanted:?}"));
        let near = match want {
            _ if Self::EXACT => left == wanted,
            // PostgreSQL promises no more than the claim asked for.
            Answer::Claimed(Claimed::Duplicate { .. }) => left < wanted + ticks(1),
            _ => left.abs_diff(wanted) < ticks(1),
        };
        same == format!("{want:?}") && near
    }
}

/// How long the event is taken or remembered.
fn left(answer: Answer) -> Option<Duration> {
    match answer {
        Answer::Claimed(Claimed::Busy { remaining, .. }) => Some(remaining),
        Answer::Claimed(Claimed::Duplicate { expires_in, .. }) => Some(expires_in),
        _ => None,
    }
}

/// A store in a random history, with keys of its own.
struct Run<K> {
    env: Arc<dyn Env>,
    store: Arc<dyn DedupStore>,
    keys: [DedupKey; 2],
    kind: PhantomData<K>,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

impl<K: Kind> StateMachineTest for Run<K> {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let env = K::env(&RUNTIME);
        Self {
            store: env.store(),
            env,
            keys: std::array::from_fn(|_| random_key()),
            kind: PhantomData,
        }
    }

    fn apply(run: Self, model: &Model, op: Op) -> Self {
        let got = RUNTIME.block_on(run.step(op));
        let want = model.answer.unwrap();
        assert!(K::agree(got, want), "{op:?}: {got:?} instead of {want:?}");
        run
    }
}

impl<K: Kind> Run<K> {
    async fn step(&self, op: Op) -> Answer {
        let key = |id: u8| &self.keys[usize::from(id)];
        let owner = |by: u8| Owner::from_u128(by.into());
        let content = |content: u8| Fingerprint::from_u64(content.into());
        match op {
            Op::Claim {
                id,
                by,
                content: sent,
                lease,
                ttl,
            } => {
                let claim = Claim::new(*key(id), owner(by), K::lasting(lease), K::lasting(ttl));
                let claim = claim.with_fingerprint(content(sent));
                Answer::Claimed(self.store.claim(&claim).await.unwrap())
            }
            Op::Renew { id, by, lease, ttl } => {
                let renewed =
                    self.store
                        .renew(key(id), owner(by), K::lasting(lease), K::lasting(ttl));
                Answer::Renewed(renewed.await.unwrap())
            }
            Op::Complete {
                id,
                by,
                content: sent,
                status,
                ttl,
            } => {
                let completion = Completion::new(content(sent), status, K::lasting(ttl));
                let completed = self.store.complete(key(id), owner(by), completion);
                Answer::Completed(completed.await.unwrap())
            }
            Op::Release { id, by } => {
                Answer::Released(self.store.release(key(id), owner(by)).await.unwrap())
            }
            Op::Forget { id } => Answer::Forgot(self.store.forget(key(id)).await.unwrap()),
            Op::Advance { by } => {
                self.env.advance(ticks(by)).await;
                Answer::Advanced
            }
        }
    }
}

fn random_key() -> DedupKey {
    use std::hash::{BuildHasher, RandomState};
    let mut digest = [0; 32];
    for eight in digest.chunks_exact_mut(8) {
        eight.copy_from_slice(&RandomState::new().hash_one(()).to_ne_bytes());
    }
    DedupKey::from_bytes(digest)
}

struct Virtual(Arc<dyn DedupStore>, Arc<ManualClock>);

impl Virtual {
    fn env<S: DedupStore + 'static>(store: impl FnOnce(Arc<ManualClock>) -> S) -> Arc<dyn Env> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(0)));
        Arc::new(Self(Arc::new(store(Arc::clone(&clock))), clock))
    }
}

impl Env for Virtual {
    fn store(&self) -> Arc<dyn DedupStore> {
        Arc::clone(&self.0)
    }

    fn lease(&self) -> Duration {
        ticks(1)
    }

    fn advance(&self, by: Duration) -> AdvanceFuture<'_> {
        self.1.advance(by);
        Box::pin(std::future::ready(()))
    }
}

fn memory(clock: &Arc<ManualClock>) -> MemoryStore {
    MemoryStore::new(1_000).unwrap().with_clock(clock.clone())
}

struct Memory;

impl Kind for Memory {
    const EXACT: bool = true;

    fn env(_: &Runtime) -> Arc<dyn Env> {
        Virtual::env(|clock| memory(&clock))
    }
}

/// With a bound and an age that matter.
struct Through;

impl Kind for Through {
    const EXACT: bool = true;

    fn env(_: &Runtime) -> Arc<dyn Env> {
        Virtual::env(|clock| {
            let store = ReadThrough::new(memory(&clock), 1).unwrap();
            store.with_max_age(ticks(5)).unwrap().with_clock(clock)
        })
    }
}

struct InPostgres;

impl Kind for InPostgres {
    const EXACT: bool = false;

    fn env(runtime: &Runtime) -> Arc<dyn Env> {
        static TABLE: OnceLock<Arc<Table>> = OnceLock::new();
        let table = TABLE.get_or_init(|| Arc::new(runtime.block_on(Table::shared())));
        Arc::clone(table) as _
    }
}

struct InRedis {
    store: Arc<dyn DedupStore>,
    connection: MultiplexedConnection,
    prefix: String,
}

impl Env for InRedis {
    fn store(&self) -> Arc<dyn DedupStore> {
        Arc::clone(&self.store)
    }

    fn lease(&self) -> Duration {
        ticks(1)
    }

    fn advance(&self, by: Duration) -> AdvanceFuture<'_> {
        let mut connection = self.connection.clone();
        Box::pin(async move { time::advance(&mut connection, &self.prefix, by).await })
    }
}

impl Kind for InRedis {
    const EXACT: bool = false;

    fn env(runtime: &Runtime) -> Arc<dyn Env> {
        let (store, prefix) = runtime.block_on(own_store(Redis::shared()));
        Arc::new(Self {
            connection: store.connection().clone(),
            store: Arc::new(store),
            prefix,
        })
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

prop_state_machine! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn memory_is_the_model(sequential 1..60 => Run<Memory>);

    #[test]
    fn read_through_is_the_model(sequential 1..60 => Run<Through>);
}

prop_state_machine! {
    #![proptest_config(cases(100))]

    #[test]
    fn redis_is_the_model(sequential 1..60 => Run<InRedis>);

    #[test]
    fn postgres_is_the_model(sequential 1..60 => Run<InPostgres>);
}
