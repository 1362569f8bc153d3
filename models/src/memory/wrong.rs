//! Stores that are wrong, which every run must find.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use shuttle::sync::Mutex;

use crate::Clock;
use crate::history::Op::*;
use crate::programs::A;
use crate::run::{Make, Program, Schedules, memory, run};
use crate::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreFuture,
};

#[path = "../../../src/store/memory/protocol.rs"]
#[expect(dead_code, reason = "nothing is evicted here")]
mod protocol;

use self::protocol::{Record, Step};

pub(crate) struct Wrong {
    pub(crate) name: &'static str,
    make: Make,
    program: Program,
}

/// Every schedule of two claims, takeovers and completions: the library passes these.
pub(crate) const ALL: &[Wrong] = &[
    Wrong {
        name: "a claim that looks, and then inserts",
        make: |_, clock| Arc::new(TwoSteps::new(clock, &[Kind::Claim])),
        program: Program {
            capacity: 10,
            before: &[],
            threads: &[&[Claim(A, 1)], &[Claim(A, 2)]],
            after: &[],
        },
    },
    Wrong {
        name: "a completion that looks, and then writes",
        make: |_, clock| Arc::new(TwoSteps::new(clock, &[Kind::Complete])),
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(10)],
            threads: &[&[Claim(A, 2)], &[Complete(A, 1)]],
            after: &[Complete(A, 2)],
        },
    },
    Wrong {
        name: "a release that looks, and then writes",
        make: |_, clock| Arc::new(TwoSteps::new(clock, &[Kind::Release])),
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(10)],
            threads: &[&[Claim(A, 2)], &[Release(A, 1)]],
            after: &[Claim(A, 3)],
        },
    },
    Wrong {
        name: "a renewal that looks, and then writes",
        make: |_, clock| Arc::new(TwoSteps::new(clock, &[Kind::Renew])),
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(10)],
            threads: &[&[Claim(A, 2)], &[Renew(A, 1)]],
            after: &[Complete(A, 2)],
        },
    },
];

impl Wrong {
    /// The library's store passes, and this one does not, in every schedule and in
    /// random ones.
    pub(crate) fn fails(&self) -> Result<String, String> {
        let right = run(memory, self.program, Schedules::All(100_000));
        if right.wrong > 0 {
            return Err(format!("  so is the library's:\n{}", right.history));
        }
        let all = run(self.make, self.program, Schedules::All(100_000));
        let some = run(self.make, self.program, Schedules::Some(300));
        match all.wrong > 0 && some.wrong > 0 {
            true => Ok(format!(
                "found, in {} of all {} schedules and {} of {} random ones",
                all.wrong, all.schedules, some.wrong, some.schedules
            )),
            false => Err("  not found".into()),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Claim,
    Renew,
    Complete,
    Release,
}

/// The right rules, on a map whose lock is given up between a look and a write, where
/// `torn` says so.
struct TwoSteps {
    rows: Mutex<BTreeMap<[u8; 32], Record>>,
    clock: Arc<dyn Clock>,
    torn: &'static [Kind],
}

impl TwoSteps {
    fn new(clock: Arc<dyn Clock>, torn: &'static [Kind]) -> Self {
        Self {
            rows: Mutex::new(BTreeMap::new()),
            clock,
            torn,
        }
    }

    fn step<T>(
        &self,
        kind: Kind,
        key: &DedupKey,
        decide: impl FnOnce(Option<&Record>) -> Step<T>,
    ) -> T {
        let mut rows = self.rows.lock().expect("no panic");
        let now = self.clock.now();
        let row = rows.get(key.as_bytes()).copied();
        let live = row.filter(|row| now < row.expires_at);
        if self.torn.contains(&kind) {
            drop(rows);
            rows = self.rows.lock().expect("no panic");
        }
        let step = decide(live.as_ref());
        if let Some(record) = step.write {
            rows.insert(*key.as_bytes(), record);
        }
        step.answer
    }
}

impl DedupStore for TwoSteps {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async move {
            let now = self.clock.now();
            Ok(self.step(Kind::Claim, &claim.key, |row| {
                protocol::claim(row, claim, now)
            }))
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(async move {
            let now = self.clock.now();
            let renew = |row: Option<&Record>| protocol::renew(row, owner, lease, ttl, now);
            Ok(self.step(Kind::Renew, key, renew))
        })
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async move {
            let now = self.clock.now();
            let complete = |row: Option<&Record>| protocol::complete(row, owner, completion, now);
            Ok(self.step(Kind::Complete, key, complete))
        })
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async move {
            let release = |row: Option<&Record>| protocol::release(row, owner);
            Ok(self.step(Kind::Release, key, release))
        })
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut rows = self.rows.lock().expect("no panic");
            Ok(rows.remove(key.as_bytes()).is_some())
        })
    }
}

impl fmt::Debug for TwoSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TwoSteps")
    }
}
