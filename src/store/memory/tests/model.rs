//! Random histories, against the state table written down once more in the
//! plainest way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::Fingerprint;

#[derive(Clone, Copy, Debug)]
enum Op {
    Claim {
        id: u64,
        by: u128,
        content: u64,
        lease: u64,
        ttl: u64,
    },
    Renew {
        id: u64,
        by: u128,
        lease: u64,
        ttl: u64,
    },
    Complete {
        id: u64,
        by: u128,
        content: u64,
        status: u16,
        ttl: u64,
    },
    Release {
        id: u64,
        by: u128,
    },
    Forget {
        id: u64,
    },
    Advance {
        by: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (id, by, content, time) = (0..3_u64, 1..4_u128, 0..3_u64, 1..12_u64);
    prop_oneof![
        6 => (id.clone(), by.clone(), content.clone(), time.clone(), time.clone())
            .prop_map(|(id, by, content, lease, ttl)| Op::Claim { id, by, content, lease, ttl }),
        2 => (id.clone(), by.clone(), time.clone(), time.clone())
            .prop_map(|(id, by, lease, ttl)| Op::Renew { id, by, lease, ttl }),
        2 => (id.clone(), by.clone(), content, 200..203_u16, time.clone())
            .prop_map(|(id, by, content, status, ttl)| {
                Op::Complete { id, by, content, status, ttl }
            }),
        2 => (id.clone(), by).prop_map(|(id, by)| Op::Release { id, by }),
        1 => id.prop_map(|id| Op::Forget { id }),
        3 => time.prop_map(|by| Op::Advance { by }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    InFlight,
    Released,
    Done(u16),
}

#[derive(Clone, Copy, Debug)]
struct Row {
    is: Is,
    owner: u128,
    attempt: u32,
    content: u64,
    lease_until: u64,
    expires_at: u64,
}

#[derive(Debug, Default)]
struct Model {
    now: u64,
    rows: BTreeMap<u64, Row>,
}

impl Model {
    /// The answer to `op`, as text, or `None` for an advance.
    fn step(&mut self, op: Op) -> Option<String> {
        let now = self.now;
        self.rows.retain(|_, row| now < row.expires_at);
        Some(match op {
            Op::Claim {
                id,
                by,
                content,
                lease,
                ttl,
            } => {
                let mut attempt = 1;
                if let Some(row) = self.rows.get(&id) {
                    attempt = row.attempt;
                    let live = now < row.lease_until;
                    if row.content != content && row.content != 0 && content != 0 {
                        return Some(format!("{:?}", Claimed::Conflict { attempt }));
                    }
                    match row.is {
                        Is::Done(status) => {
                            let expires_in = Duration::from_secs(row.expires_at - now);
                            let duplicate = Claimed::Duplicate {
                                status,
                                attempt,
                                expires_in,
                            };
                            return Some(format!("{duplicate:?}"));
                        }
                        Is::InFlight if live && row.owner == by => {}
                        Is::InFlight if live => {
                            let remaining = Duration::from_secs(row.lease_until - now);
                            return Some(format!("{:?}", Claimed::Busy { remaining, attempt }));
                        }
                        Is::InFlight | Is::Released => attempt += 1,
                    }
                }
                let (lease_until, expires_at) = (now + lease, now + ttl.max(lease));
                let is = Is::InFlight;
                self.rows.insert(
                    id,
                    Row {
                        is,
                        owner: by,
                        attempt,
                        content,
                        lease_until,
                        expires_at,
                    },
                );
                format!("{:?}", Claimed::Won { attempt })
            }
            Op::Renew { id, by, lease, ttl } => match self.rows.get_mut(&id) {
                Some(row) if row.is == Is::InFlight && row.owner == by => {
                    row.lease_until = now + lease;
                    row.expires_at = now + ttl.max(lease);
                    format!("{:?}", Renewed::Extended)
                }
                _ => format!("{:?}", Renewed::Lost),
            },
            Op::Complete {
                id,
                by,
                content,
                status,
                ttl,
            } => {
                let row = self.rows.get(&id);
                let answer = match row {
                    Some(Row {
                        is: Is::Done(_),
                        owner,
                        ..
                    }) if *owner == by => Completed::Done,
                    Some(Row {
                        is: Is::Done(_), ..
                    }) => Completed::AlreadyDone,
                    Some(Row {
                        is: Is::InFlight,
                        owner,
                        ..
                    }) if *owner != by => Completed::LeaseLost,
                    Some(Row {
                        is: Is::InFlight, ..
                    }) => Completed::Done,
                    Some(Row {
                        is: Is::Released, ..
                    })
                    | None => Completed::Recreated,
                };
                if answer == Completed::Recreated
                    || row.is_some_and(|row| row.is == Is::InFlight && row.owner == by)
                {
                    let attempt = row.map_or(1, |row| row.attempt);
                    let (is, expires_at) = (Is::Done(status), now + ttl);
                    self.rows.insert(
                        id,
                        Row {
                            is,
                            owner: by,
                            attempt,
                            content,
                            lease_until: 0,
                            expires_at,
                        },
                    );
                }
                format!("{answer:?}")
            }
            Op::Release { id, by } => match self.rows.get_mut(&id) {
                Some(row) if row.is == Is::InFlight && row.owner == by => {
                    row.is = Is::Released;
                    format!("{:?}", Released::Released)
                }
                _ => format!("{:?}", Released::NotOwner),
            },
            Op::Forget { id } => format!("{:?}", self.rows.remove(&id).is_some()),
            Op::Advance { by } => {
                self.now += by;
                return None;
            }
        })
    }
}

fn apply(store: &MemoryStore, clock: &ManualClock, op: Op) -> Option<Result<String, StoreError>> {
    fn text<T: fmt::Debug>(future: StoreFuture<'_, T>) -> Result<String, StoreError> {
        now(future).map(|answer| format!("{answer:?}"))
    }
    let s = Duration::from_secs;
    Some(match op {
        Op::Claim {
            id,
            by,
            content,
            lease,
            ttl,
        } => {
            let claim = Claim::new(key(id), owner(by), s(lease), s(ttl));
            text(store.claim(&claim.with_fingerprint(Fingerprint::from_u64(content))))
        }
        Op::Renew { id, by, lease, ttl } => {
            text(store.renew(&key(id), owner(by), s(lease), s(ttl)))
        }
        Op::Complete {
            id,
            by,
            content,
            status,
            ttl,
        } => {
            let completion = Completion::new(Fingerprint::from_u64(content), status, s(ttl));
            text(store.complete(&key(id), owner(by), completion))
        }
        Op::Release { id, by } => text(store.release(&key(id), owner(by))),
        Op::Forget { id } => text(store.forget(&key(id))),
        Op::Advance { by } => {
            clock.advance(s(by));
            return None;
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_the_models(
        capacity in 1..4_usize,
        ops in proptest::collection::vec(op(), 1..60),
    ) {
        let (store, clock) = store(capacity);
        let mut model = Model::default();
        for op in ops {
            let before = model.rows.clone();
            let want = model.step(op);
            let got = apply(&store, &clock, op);
            if model.rows.len() > capacity {
                let victims: Vec<u64> = before
                    .iter()
                    .filter(|(_, row)| row.is == Is::Released && model.now < row.expires_at)
                    .map(|(id, _)| *id)
                    .collect();
                if victims.is_empty() {
                    prop_assert!(matches!(got, Some(Err(StoreError::Full))), "{op:?}: {got:?}");
                    model.rows = before;
                    continue;
                }
                // Which one went is the store's choice.
                let gone: Vec<u64> = victims.into_iter().filter(|id| !store.holds(*id)).collect();
                prop_assert_eq!(gone.len(), 1, "{:?}", op);
                model.rows.remove(&gone[0]);
            }
            prop_assert_eq!(got.map(Result::unwrap), want, "{:?}", op);
            for (id, row) in &model.rows {
                prop_assert!(store.holds(*id) || row.expires_at <= model.now, "{id}: {row:?}");
            }
            prop_assert!(store.len() <= capacity);
        }
    }
}

impl MemoryStore {
    fn holds(&self, id: u64) -> bool {
        let key = key(id);
        self.shard(&key).find(&key).is_some()
    }
}
