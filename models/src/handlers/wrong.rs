//! Stores and histories that are wrong, which every run must find.

use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, MemoryStore, Owner, Released, Renewed,
};

use crate::check::{ONE, RENEWED, explore};
use crate::choices::Choices;
use crate::event::Limits;
use crate::route::LEASE;
use crate::rows::rows;
use crate::sender::Sender;
use crate::store::{Answer, Asked, Call, Take, right};

pub struct Wrong {
    pub name: &'static str,
    take: Take,
    limits: Limits,
    finds: &'static str,
}

const TWO: Limits = Limits {
    sender: Sender::SIGNS_IDS,
    deliveries: 2,
    disconnections: 0,
    faults: 0,
    ticks: 1,
    shutdown: false,
    crash: false,
    failures: true,
    prompt: false,
    later: false,
};

pub const ALL: &[Wrong] = &[
    Wrong {
        name: "a store that lets every claim win",
        take: |store, asked, _| match asked {
            Asked::Claim(claim) => {
                right(store, Asked::Forget(claim.key), &[]);
                right(store, asked, &[])
            }
            _ => right(store, asked, &[]),
        },
        limits: TWO,
        finds: "while the lease of the first held",
    },
    Wrong {
        name: "a store that releases what others hold",
        take: |store, asked, calls| match asked {
            Asked::Release(key, _) => right(store, Asked::Release(key, last_owner(calls)), calls),
            _ => right(store, asked, calls),
        },
        limits: Limits {
            deliveries: 3,
            ticks: 5,
            ..TWO
        },
        finds: "while the lease of the first held",
    },
    Wrong {
        name: "a store that takes a claim for a completion",
        take: |store, asked, _| match asked {
            Asked::Claim(claim) => done_once_claimed(store, claim),
            _ => right(store, asked, &[]),
        },
        limits: TWO,
        finds: "that had no effect",
    },
    Wrong {
        name: "a store without leases, and a crash",
        take: |store, asked, _| match asked {
            Asked::Claim(claim) => claimed_for_good(store, claim),
            _ => right(store, asked, &[]),
        },
        limits: Limits {
            disconnections: 0,
            shutdown: false,
            crash: true,
            ..ONE
        },
        finds: "lost with its process",
    },
    Wrong {
        name: "two rows: the id is taken for signed",
        take: right,
        limits: Limits {
            sender: Sender::IS_MISJUDGED,
            ..TWO
        },
        finds: "a replay is handled after the event was done",
    },
    Wrong {
        name: "two rows: what was signed is claimed by two at once",
        take: |store, asked, calls| match (asked, right(store, asked, &[])) {
            (Asked::Claim(claim), Answer::Claimed(Claimed::Busy { attempt, .. }))
                if is_signed_row(claim.key, calls) =>
            {
                Answer::Claimed(Claimed::Won { attempt })
            }
            (_, answer) => answer,
        },
        limits: TWO_ROWS,
        finds: "a replay is handled after the event was done",
    },
    Wrong {
        name: "two rows: what was signed is done once it is claimed",
        take: |store, asked, calls| match asked {
            Asked::Claim(claim) if is_signed_row(claim.key, calls) => {
                done_once_claimed(store, claim)
            }
            _ => right(store, asked, &[]),
        },
        limits: TWO_ROWS,
        finds: "that had no effect",
    },
    Wrong {
        name: "two rows: what was signed is free once the event is done",
        take: |store, asked, calls| match asked {
            Asked::Complete(key, owner, _) if is_signed_row(key, calls) => {
                right(store, Asked::Release(key, owner), &[]);
                Answer::Completed(Completed::Done)
            }
            _ => right(store, asked, &[]),
        },
        limits: Limits {
            deliveries: 1,
            ..TWO_ROWS
        },
        finds: "not done after its effect",
    },
    Wrong {
        name: "two rows: what was signed is not given back",
        take: |store, asked, calls| match asked {
            Asked::Release(key, _) if is_signed_row(key, calls) => {
                Answer::Released(Released::Released)
            }
            _ => right(store, asked, &[]),
        },
        limits: Limits {
            deliveries: 1,
            ..TWO_ROWS
        },
        finds: "a row is held by nobody",
    },
    Wrong {
        name: "two rows: what was signed is not renewed",
        take: does_not_renew_what_was_signed,
        limits: RENEWED,
        finds: "while the lease of the first held",
    },
    Wrong {
        name: "two rows: what was signed is not renewed, and came too early",
        take: does_not_renew_what_was_signed,
        limits: Limits {
            sender: Sender::SIGNS_TIMES,
            deliveries: 3,
            ticks: 8,
            ..TWO_ROWS
        },
        finds: "bytes that came too early are used",
    },
    Wrong {
        name: "two rows: what was signed is renewed for a lease, and came too early",
        take: |store, asked, calls| match asked {
            Asked::Renew(key, owner, lease, ttl) if is_signed_row(key, calls) => {
                let asked = Asked::Renew(key, owner, lease.min(LEASE), ttl);
                right(store, asked, &[])
            }
            _ => right(store, asked, &[]),
        },
        limits: Limits {
            sender: Sender::SIGNS_TIMES,
            deliveries: 3,
            ticks: 8,
            ..TWO_ROWS
        },
        finds: "bytes that came too early are used",
    },
    Wrong {
        name: "two rows: what was signed is without a lease, and a crash",
        take: |store, asked, calls| match asked {
            Asked::Claim(claim) if is_signed_row(claim.key, calls) => {
                claimed_for_good(store, claim)
            }
            _ => right(store, asked, &[]),
        },
        limits: Limits {
            deliveries: 1,
            crash: true,
            ..TWO_ROWS
        },
        finds: "lost with its process",
    },
    Wrong {
        name: "two rows: the event is done before what was signed, and a crash",
        take: |store, asked, calls| match asked {
            Asked::Complete(key, owner, done) => match won_by(owner, calls)[..] {
                [signed, event] => {
                    let other = if key == signed { event } else { signed };
                    right(store, Asked::Complete(other, owner, done), &[])
                }
                _ => right(store, asked, &[]),
            },
            _ => right(store, asked, &[]),
        },
        limits: Limits {
            deliveries: 1,
            crash: true,
            ..TWO_ROWS
        },
        finds: "open to a replay",
    },
];

/// What the layer does, and no store can help. See "Has it ever found anything?".
pub const KNOWN: &[Wrong] = &[
    Wrong {
        name: "an id that is still to come, put on captured bytes",
        take: right,
        limits: Limits {
            sender: Sender::IS_ANTICIPATED,
            ..TWO_ROWS
        },
        finds: "that had no effect",
    },
    Wrong {
        name: "an attempt that failed, captured, after another was done",
        take: right,
        limits: Limits {
            sender: Sender::IS_FOLLOWED,
            deliveries: 3,
            ..TWO_ROWS
        },
        finds: "by bytes that had failed",
    },
];

const TWO_ROWS: Limits = Limits {
    sender: Sender::SIGNS_BODIES,
    ..TWO
};

fn done_once_claimed(store: &MemoryStore, claim: Claim) -> Answer {
    let answer = right(store, Asked::Claim(claim), &[]);
    if matches!(answer, Answer::Claimed(Claimed::Won { .. })) {
        let done = Completion::new(claim.fingerprint, 200, claim.ttl);
        right(store, Asked::Complete(claim.key, claim.owner, done), &[]);
    }
    answer
}

/// Without a lease that ends.
fn claimed_for_good(store: &MemoryStore, mut claim: Claim) -> Answer {
    claim.lease = claim.ttl;
    right(store, Asked::Claim(claim), &[])
}

fn does_not_renew_what_was_signed(store: &MemoryStore, asked: Asked, calls: &[Call]) -> Answer {
    match asked {
        Asked::Renew(key, ..) if is_signed_row(key, calls) => Answer::Renewed(Renewed::Extended),
        _ => right(store, asked, &[]),
    }
}

/// Whether the row is of what was signed: the first that its delivery asks for.
fn is_signed_row(key: DedupKey, calls: &[Call]) -> bool {
    let asked = calls.iter().find(|call| call.asked.key() == key);
    asked.is_some_and(|call| rows(calls, call.by).first() == Some(&key))
}

/// The rows that `owner` has won.
fn won_by(owner: Owner, calls: &[Call]) -> Vec<DedupKey> {
    let mut won = Vec::new();
    for call in calls.iter().filter(|call| call.has_won()) {
        if let Asked::Claim(claim) = call.asked
            && claim.owner == owner
            && !won.contains(&claim.key)
        {
            won.push(claim.key);
        }
    }
    won
}

/// Whoever won last.
fn last_owner(calls: &[Call]) -> Owner {
    let won = calls
        .iter()
        .rev()
        .find_map(|call| match (call.asked, call.answer) {
            (Asked::Claim(claim), Some(Answer::Claimed(Claimed::Won { .. }))) => {
                Some((call.at, claim.owner))
            }
            _ => None,
        });
    won.map_or(Owner::from_u128(0), |(_, owner)| owner)
}

impl Wrong {
    /// Finds that it breaks what it must.
    pub fn fails(&self, tell: bool) -> Result<String, String> {
        let found = explore(self.limits, self.take, Choices::random(200_000));
        match found.wrong {
            Some(why) if why.contains(self.finds) && tell => {
                Ok(format!("found after {} histories\n{why}", found.histories))
            }
            Some(why) if why.contains(self.finds) => {
                let rule = why.lines().next().unwrap_or_default().trim();
                Ok(format!("found after {} histories: {rule}", found.histories))
            }
            Some(why) => Err(format!("  found something else:\n{why}")),
            None => Err(format!("  not found in {} histories", found.histories)),
        }
    }
}
