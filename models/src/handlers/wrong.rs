//! Stores and histories that are wrong, which every run must find.

use tower_webhook::store::{Claimed, Completion, Owner};

use crate::check::{ONE, explore};
use crate::choices::Choices;
use crate::sender::Sender;
use crate::store::{Answer, Asked, Call, Take, right};
use crate::world::Limits;

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
            Asked::Claim(claim) => {
                let answer = right(store, asked, &[]);
                let done = Completion::new(claim.fingerprint, 200, claim.ttl);
                if matches!(answer, Answer::Claimed(Claimed::Won { .. })) {
                    right(store, Asked::Complete(claim.key, claim.owner, done), &[]);
                }
                answer
            }
            _ => right(store, asked, &[]),
        },
        limits: TWO,
        finds: "that had no effect",
    },
    Wrong {
        name: "a store without leases, and a crash",
        take: |store, asked, _| match asked {
            Asked::Claim(mut claim) => {
                claim.lease = claim.ttl;
                right(store, Asked::Claim(claim), &[])
            }
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
];

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
    pub fn fails(&self) -> Result<String, String> {
        let found = explore(self.limits, self.take, Choices::random(200_000));
        match found.wrong {
            Some(why) if why.contains(self.finds) => {
                let rule = why.lines().next().unwrap_or_default().trim();
                Ok(format!("found after {} histories: {rule}", found.histories))
            }
            Some(why) => Err(format!("  found something else:\n{why}")),
            None => Err(format!("  not found in {} histories", found.histories)),
        }
    }
}
