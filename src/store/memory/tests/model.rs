//! Random histories: a store of few events is one of many, but for what it says
//! it forgets. (That the latter keeps the protocol, `tests/stores/model.rs` says.)

use proptest::prelude::*;

use super::*;
use crate::store::Fingerprint;

#[derive(Clone, Copy, Debug)]
enum Op {
    Claim(u64, u128, u64, Duration, Duration),
    Renew(u64, u128, Duration, Duration),
    Complete(u64, u128, u64, Duration),
    Release(u64, u128),
    Forget(u64),
    Advance(Duration),
}

const IDS: u64 = 3;

fn op() -> impl Strategy<Value = Op> {
    let (id, by, content) = (0..IDS, 1..4_u128, 0..3_u64);
    let time = (1..12_u64).prop_map(Duration::from_secs);
    prop_oneof![
        6 => (id.clone(), by.clone(), content.clone(), time.clone(), time.clone())
            .prop_map(|(id, by, content, lease, ttl)| Op::Claim(id, by, content, lease, ttl)),
        2 => (id.clone(), by.clone(), time.clone(), time.clone())
            .prop_map(|(id, by, lease, ttl)| Op::Renew(id, by, lease, ttl)),
        2 => (id.clone(), by.clone(), content, time.clone())
            .prop_map(|(id, by, content, ttl)| Op::Complete(id, by, content, ttl)),
        2 => (id.clone(), by).prop_map(|(id, by)| Op::Release(id, by)),
        1 => id.prop_map(Op::Forget),
        3 => time.prop_map(Op::Advance),
    ]
}

/// The answer to `op`, as text.
fn apply(store: &MemoryStore, op: Op) -> Result<String, StoreError> {
    fn text<T: fmt::Debug>(future: StoreFuture<'_, T>) -> Result<String, StoreError> {
        now(future).map(|answer| format!("{answer:?}"))
    }
    let content = Fingerprint::from_u64;
    match op {
        Op::Claim(id, by, sent, lease, ttl) => {
            let claim = Claim::new(key(id), owner(by), lease, ttl).with_fingerprint(content(sent));
            text(store.claim(&claim))
        }
        Op::Renew(id, by, lease, ttl) => text(store.renew(&key(id), owner(by), lease, ttl)),
        Op::Complete(id, by, sent, ttl) => {
            let completion = Completion::new(content(sent), 200, ttl);
            text(store.complete(&key(id), owner(by), completion))
        }
        Op::Release(id, by) => text(store.release(&key(id), owner(by))),
        Op::Forget(id) => text(store.forget(&key(id))),
        Op::Advance(_) => Ok(String::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_full_store_forgets_only_what_was_released(
        capacity in 1..IDS as usize + 1,
        ops in proptest::collection::vec(op(), 1..60),
    ) {
        let (store, clock) = store(capacity);
        let roomy = MemoryStore::new(1_000).unwrap().with_clock(Arc::clone(&clock) as _);
        for op in ops {
            if let Op::Advance(by) = op {
                clock.advance(by);
                continue;
            }
            let live = |store: &MemoryStore| -> Vec<u64> {
                (0..IDS).filter(|id| store.holds(*id)).collect()
            };
            let before = live(&roomy);
            prop_assert_eq!(&live(&store), &before);
            let got = apply(&store, op);
            if matches!(got, Err(StoreError::Full)) {
                prop_assert_eq!(before.len(), capacity, "{:?}", op);
                prop_assert!(!before.iter().any(|id| roomy.released(*id)), "{:?}", op);
                prop_assert_eq!(&live(&store), &before);
                continue;
            }
            for id in before {
                if roomy.released(id) && !store.holds(id) && !matches!(op, Op::Forget(_)) {
                    prop_assert_eq!(store.len(), capacity, "{:?}", op);
                    now(roomy.forget(&key(id))).unwrap();
                }
            }
            prop_assert_eq!(got.unwrap(), apply(&roomy, op).unwrap(), "{:?}", op);
            prop_assert!(store.len() <= capacity);
        }
    }
}

impl MemoryStore {
    fn holds(&self, id: u64) -> bool {
        self.row(id).is_some()
    }

    fn released(&self, id: u64) -> bool {
        self.row(id).is_some_and(|row| row.is_released())
    }

    /// The live row of an event, without touching anything.
    fn row(&self, id: u64) -> Option<Record> {
        let key = key(id);
        let row = self.shard(&key).peek(&key)?;
        (self.clock.now() < row.expires_at).then_some(row)
    }
}
