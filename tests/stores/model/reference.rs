//! The table of `tower_webhook::store`, in the plainest way.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use tower_webhook::store::{Claimed, Completed, Released, Renewed};

#[derive(Clone, Copy, Debug)]
pub enum Op {
    Claim {
        id: u8,
        by: u8,
        content: u8,
        lease: u32,
        ttl: u32,
    },
    Renew {
        id: u8,
        by: u8,
        lease: u32,
        ttl: u32,
    },
    Complete {
        id: u8,
        by: u8,
        content: u8,
        status: u16,
        ttl: u32,
    },
    Release {
        id: u8,
        by: u8,
    },
    Forget {
        id: u8,
    },
    Advance {
        by: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    Claimed(Claimed),
    Renewed(Renewed),
    Completed(Completed),
    Released(Released),
    Forgot(bool),
    Advanced,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    now: u32,
    rows: HashMap<u8, Row>,
    /// To the last operation.
    pub answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    is: Is,
    owner: u8,
    attempt: u32,
    content: u8,
    expires_at: u32,
}

#[derive(Clone, Copy, Debug)]
enum Is {
    InFlight { until: u32 },
    Released,
    Done { status: u16 },
}

impl Model {
    fn step(&mut self, op: Op) -> Answer {
        let now = self.now;
        self.rows.retain(|_, row| now < row.expires_at);
        match op {
            Op::Claim {
                id,
                by,
                content,
                lease,
                ttl,
            } => {
                let row = self.rows.get(&id);
                let attempt = row.map_or(1, |row| row.attempt);
                let agrees = |row: &Row| row.content == content || row.content * content == 0;
                let attempt = match row.map(|row| (row.is, row)) {
                    None => 1,
                    Some((_, row)) if !agrees(row) => {
                        return claimed(Claimed::Conflict { attempt });
                    }
                    Some((Is::Done { status }, row)) => {
                        let expires_in = ticks(row.expires_at - now);
                        return claimed(Claimed::Duplicate {
                            status,
                            attempt,
                            expires_in,
                        });
                    }
                    Some((Is::InFlight { until }, row)) if now < until && row.owner != by => {
                        let remaining = ticks(until - now);
                        return claimed(Claimed::Busy { remaining, attempt });
                    }
                    Some((Is::InFlight { until }, _)) if now < until => attempt,
                    Some(_) => attempt + 1,
                };
                let (is, expires_at) = (Is::InFlight { until: now + lease }, now + lease.max(ttl));
                self.rows.insert(
                    id,
                    Row {
                        is,
                        owner: by,
                        attempt,
                        content,
                        expires_at,
                    },
                );
                claimed(Claimed::Won { attempt })
            }
            Op::Renew { id, by, lease, ttl } => match self.in_flight(id, by) {
                Some(row) => {
                    row.is = Is::InFlight { until: now + lease };
                    row.expires_at = now + lease.max(ttl);
                    Answer::Renewed(Renewed::Extended)
                }
                None => Answer::Renewed(Renewed::Lost),
            },
            Op::Complete {
                id,
                by,
                content,
                status,
                ttl,
            } => {
                let row = self
                    .rows
                    .get(&id)
                    .map(|row| (row.is, row.owner == by, row.attempt));
                let (answer, attempt) = match row {
                    None => (Completed::Recreated, 1),
                    Some((Is::Released, _, attempt)) => (Completed::Recreated, attempt),
                    Some((Is::InFlight { .. }, true, attempt)) => (Completed::Done, attempt),
                    Some((Is::InFlight { .. }, false, _)) => {
                        return Answer::Completed(Completed::LeaseLost);
                    }
                    Some((Is::Done { .. }, true, _)) => return Answer::Completed(Completed::Done),
                    Some((Is::Done { .. }, false, _)) => {
                        return Answer::Completed(Completed::AlreadyDone);
                    }
                };
                let (is, expires_at) = (Is::Done { status }, now + ttl);
                self.rows.insert(
                    id,
                    Row {
                        is,
                        owner: by,
                        attempt,
                        content,
                        expires_at,
                    },
                );
                Answer::Completed(answer)
            }
            Op::Release { id, by } => match self.in_flight(id, by) {
                Some(row) => {
                    row.is = Is::Released;
                    Answer::Released(Released::Released)
                }
                None => Answer::Released(Released::NotOwner),
            },
            Op::Forget { id } => Answer::Forgot(self.rows.remove(&id).is_some()),
            Op::Advance { by } => {
                self.now += by;
                Answer::Advanced
            }
        }
    }

    fn in_flight(&mut self, id: u8, by: u8) -> Option<&mut Row> {
        let row = self.rows.get_mut(&id)?;
        (matches!(row.is, Is::InFlight { .. }) && row.owner == by).then_some(row)
    }
}

fn claimed(claimed: Claimed) -> Answer {
    Answer::Claimed(claimed)
}

/// The model's time, which is counted in ticks.
pub fn ticks(count: u32) -> Duration {
    Duration::from_secs(120) * count
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Op;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Op> {
        let (id, by, content, time) = (0..2_u8, 1..4_u8, 0..3_u8, 1..8_u32);
        let status = 200..203_u16;
        prop_oneof![
            6 => (id.clone(), by.clone(), content.clone(), time.clone(), time.clone())
                .prop_map(|(id, by, content, lease, ttl)| Op::Claim { id, by, content, lease, ttl }),
            2 => (id.clone(), by.clone(), time.clone(), time.clone())
                .prop_map(|(id, by, lease, ttl)| Op::Renew { id, by, lease, ttl }),
            2 => (id.clone(), by.clone(), content, status, time.clone())
                .prop_map(|(id, by, content, status, ttl)| {
                    Op::Complete { id, by, content, status, ttl }
                }),
            2 => (id.clone(), by).prop_map(|(id, by)| Op::Release { id, by }),
            1 => id.prop_map(|id| Op::Forget { id }),
            3 => time.prop_map(|by| Op::Advance { by }),
        ]
        .boxed()
    }

    fn apply(mut model: Self, op: &Op) -> Self {
        model.answer = Some(model.step(*op));
        model
    }
}
