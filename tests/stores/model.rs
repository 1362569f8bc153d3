//! Random histories of every store, against the table of `tower_webhook::store`
//! written down once more in the plainest way.

mod reference;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

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

/// How the environment of a store is made, and whether it is one of a server.
trait Kind {
    fn env() -> impl Future<Output = Box<dyn Env>>;
}

/// A store in a random history, with keys of its own.
struct Run<K> {
    env: Box<dyn Env>,
    store: Arc<dyn DedupStore>,
    keys: [DedupKey; 2],
    runtime: Runtime,
    kind: std::marker::PhantomData<K>,
}

impl<K: Kind> StateMachineTest for Run<K> {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let env = runtime.block_on(K::env());
        let store = env.store();
        let keys = std::array::from_fn(|_| random_key());
        Self {
            env,
            store,
            keys,
            runtime,
            kind: std::marker::PhantomData,
        }
    }

    fn apply(run: Self, model: &Model, op: Op) -> Self {
        let got = run.runtime.block_on(run.step(op));
        let want = model.answer.unwrap();
        assert!(agree(got, want), "{op:?}: {got:?} instead of {want:?}");
        run
    }
}

impl<K> Run<K> {
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
                let claim = Claim::new(*key(id), owner(by), ticks(lease), ticks(ttl));
                let claim = claim.with_fingerprint(content(sent));
                Answer::Claimed(self.store.claim(&claim).await.unwrap())
            }
            Op::Renew { id, by, lease, ttl } => {
                let renewed = self
                    .store
                    .renew(key(id), owner(by), ticks(lease), ticks(ttl));
                Answer::Renewed(renewed.await.unwrap())
            }
            Op::Complete {
                id,
                by,
                content: sent,
                status,
                ttl,
            } => {
                let completion = Completion::new(content(sent), status, ticks(ttl));
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

/// Whether the answers are the same, but for the time that a server ran on.
fn agree(mut got: Answer, want: Answer) -> bool {
    use Claimed::{Busy, Duplicate};
    if let (
        Answer::Claimed(
            Busy { remaining: got, .. }
            | Duplicate {
                expires_in: got, ..
            },
        ),
        Answer::Claimed(
            Busy {
                remaining: want, ..
            }
            | Duplicate {
                expires_in: want, ..
            },
        ),
    ) = (&mut got, want)
        && *got <= want
        && want - *got < ticks(1) / 2
    {
        *got = want;
    }
    got == want
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
    fn new<S: DedupStore + 'static>(store: impl FnOnce(Arc<ManualClock>) -> S) -> Box<dyn Env> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(0)));
        Box::new(Self(Arc::new(store(Arc::clone(&clock))), clock))
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
    async fn env() -> Box<dyn Env> {
        Virtual::new(|clock| memory(&clock))
    }
}

/// With room for two events or more, and an age that matters.
struct Through;

impl Kind for Through {
    async fn env() -> Box<dyn Env> {
        Virtual::new(|clock| {
            let store = ReadThrough::new(memory(&clock), 2).unwrap();
            store.with_max_age(ticks(5)).unwrap().with_clock(clock)
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
    #![proptest_config(cases(2_000))]

    #[test]
    fn memory_is_the_model(sequential 1..60 => Run<Memory>);

    #[test]
    fn read_through_is_the_model(sequential 1..60 => Run<Through>);
}
