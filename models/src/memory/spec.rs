//! The store one call at a time, in the plainest way: live rows in a list, and the
//! library's table of states.

use std::time::Duration;

use crate::Timestamp;
use crate::history::{Answer, Key, Op, Who};
use crate::store::{Claim, Completion, DedupKey, Fingerprint, Owner};

#[path = "../../../src/store/memory/protocol.rs"]
mod protocol;

use self::protocol::{Record, Step};

pub(crate) const LEASE: Duration = Duration::from_secs(10);
pub(crate) const TTL: Duration = Duration::from_secs(20);
pub(crate) const START: Timestamp = Timestamp::from_unix_millis(0);

#[derive(Clone)]
pub(crate) struct Spec {
    rows: Vec<(Key, Record)>,
    capacity: usize,
    now: Timestamp,
}

impl Spec {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            rows: Vec::new(),
            capacity,
            now: START,
        }
    }

    /// Every answer that `op` may get, and what is there then: which of several
    /// released rows makes room, is not promised.
    pub(crate) fn after(&self, op: Op) -> Vec<(Answer, Self)> {
        let now = self.now;
        match op {
            Op::Claim(key, who) => {
                let step = protocol::claim(self.row(key), &claim(key, who), now);
                self.written(key, step, Answer::Claimed)
            }
            Op::Renew(key, who) => {
                let step = protocol::renew(self.row(key), owner(who), LEASE, TTL, now);
                self.written(key, step, Answer::Renewed)
            }
            Op::Complete(key, who) => {
                let step = protocol::complete(self.row(key), owner(who), completion(), now);
                self.written(key, step, Answer::Completed)
            }
            Op::Release(key, who) => {
                let step = protocol::release(self.row(key), owner(who));
                self.written(key, step, Answer::Released)
            }
            Op::Forget(key) => {
                let known = self.row(key).is_some();
                vec![(
                    Answer::Forgot(known),
                    self.without(|(other, _)| *other == key),
                )]
            }
            Op::Pass(seconds) => {
                let mut later = self.clone();
                later.now = now.saturating_add(Duration::from_secs(seconds.into()));
                let now = later.now;
                let later = later.without(|(_, record)| record.expires_at <= now);
                vec![(Answer::Passed, later)]
            }
        }
    }

    fn row(&self, key: Key) -> Option<&Record> {
        let row = self.rows.iter().find(|(other, _)| *other == key);
        row.map(|(_, record)| record)
    }

    fn without(&self, which: impl Fn(&(Key, Record)) -> bool) -> Self {
        let mut rest = self.clone();
        rest.rows.retain(|row| !which(row));
        rest
    }

    fn written<T>(&self, key: Key, step: Step<T>, answer: fn(T) -> Answer) -> Vec<(Answer, Self)> {
        let answer = answer(step.answer);
        let Some(record) = step.write else {
            return vec![(answer, self.clone())];
        };
        let with = |mut rest: Self| {
            rest.rows.push((key, record));
            (answer, rest)
        };
        if self.row(key).is_some() {
            return vec![with(self.without(|(other, _)| *other == key))];
        }
        if self.rows.len() < self.capacity {
            return vec![with(self.clone())];
        }
        let released = self.rows.iter().filter(|(_, record)| record.is_released());
        let made: Vec<_> = released
            .map(|(gone, _)| with(self.without(|(other, _)| other == gone)))
            .collect();
        match made.is_empty() {
            true => vec![(Answer::Full, self.clone())],
            false => made,
        }
    }
}

pub(crate) fn claim(key: Key, who: Who) -> Claim {
    Claim::new(dedup_key(key), owner(who), LEASE, TTL)
}

pub(crate) fn completion() -> Completion {
    Completion::new(Fingerprint::NONE, 200, TTL)
}

pub(crate) fn owner(who: Who) -> Owner {
    Owner::from_u128(who.into())
}

pub(crate) fn dedup_key(key: Key) -> DedupKey {
    let mut digest = [0; 32];
    digest[0] = key;
    DedupKey::from_bytes(digest)
}
