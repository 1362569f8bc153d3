//! What is run at once.

use std::time::Instant;

use crate::history::Key;
use crate::history::Op::{self, *};
use crate::run::{Program, Schedules, memory, run};
use crate::spec::dedup_key;
use crate::store::shard;

pub(crate) struct Race {
    pub(crate) name: &'static str,
    program: Program,
    schedules: Schedules,
    /// How many different outcomes there are: a race without two is none.
    outcomes: usize,
}

// Keys: the first two are in one shard, the third is in another.
pub(crate) const A: Key = 0;
const B: Key = 9;
const C: Key = 1;

const ALL: Schedules = Schedules::All(400_000);
const SOME: Schedules = Schedules::Some(3_000);

pub(crate) const RACES: &[Race] = &[
    Race {
        name: "two claims",
        program: Program {
            capacity: 10,
            before: &[],
            threads: &[&[Claim(A, 1)], &[Claim(A, 2)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "three claims",
        program: Program {
            capacity: 10,
            before: &[],
            threads: &[&[Claim(A, 1)], &[Claim(A, 2)], &[Claim(A, 3)]],
            after: &[],
        },
        schedules: SOME,
        outcomes: 3,
    },
    Race {
        name: "a claim and a completion",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1)],
            threads: &[&[Claim(A, 2)], &[Complete(A, 1)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a takeover and a late completion",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(10)],
            threads: &[&[Claim(A, 2)], &[Complete(A, 1)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a takeover and a late release",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(10)],
            threads: &[&[Claim(A, 2)], &[Release(A, 1)]],
            after: &[Complete(A, 2)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a takeover and a late renewal",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(10)],
            threads: &[&[Claim(A, 2)], &[Renew(A, 1)]],
            after: &[Complete(A, 1), Complete(A, 2)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "two takeovers",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(10)],
            threads: &[&[Claim(A, 2)], &[Claim(A, 3)]],
            after: &[Renew(A, 1)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "two claims of what was released",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Release(A, 1)],
            threads: &[&[Claim(A, 2)], &[Claim(A, 3)]],
            after: &[],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a claim and the end of the lease",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1)],
            threads: &[&[Claim(A, 2)], &[Pass(10)]],
            after: &[Complete(A, 1)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a renewal and the end of the lease, and a claim",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(5)],
            threads: &[&[Claim(A, 2)], &[Pass(5)], &[Renew(A, 1)]],
            after: &[Claim(A, 9)],
        },
        schedules: SOME,
        outcomes: 3,
    },
    Race {
        name: "a renewal and the end of the row",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1)],
            threads: &[&[Renew(A, 1)], &[Pass(20)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a completion and the end of the row",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1)],
            threads: &[&[Complete(A, 1)], &[Pass(20)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 1,
    },
    Race {
        name: "a claim and the end of what is done",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Complete(A, 1)],
            threads: &[&[Claim(A, 2)], &[Pass(20)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "two claims of what has ended",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Complete(A, 1), Pass(20)],
            threads: &[&[Claim(A, 2)], &[Claim(A, 3)]],
            after: &[],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a completion and its being forgotten",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1)],
            threads: &[&[Complete(A, 1)], &[Forget(A)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "a claim, a completion and its being forgotten",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1)],
            threads: &[&[Claim(A, 2)], &[Complete(A, 1)], &[Forget(A)]],
            after: &[Claim(A, 9)],
        },
        schedules: SOME,
        outcomes: 4,
    },
    Race {
        name: "twice forgotten",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1)],
            threads: &[&[Forget(A)], &[Forget(A)]],
            after: &[Claim(A, 9)],
        },
        schedules: ALL,
        outcomes: 2,
    },
    Race {
        name: "an ended row swept away and completed",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(20)],
            threads: &[&[Claim(B, 2)], &[Complete(A, 1)]],
            after: &[Claim(A, 9), Claim(B, 9)],
        },
        schedules: ALL,
        outcomes: 1,
    },
    Race {
        name: "an ended row swept away twice",
        program: Program {
            capacity: 10,
            before: &[Claim(A, 1), Pass(20)],
            threads: &[&[Claim(B, 2)], &[Renew(A, 1)], &[Forget(A)]],
            after: &[Claim(A, 9), Claim(B, 9)],
        },
        schedules: SOME,
        outcomes: 1,
    },
    Race {
        name: "the last room, twice",
        program: Program {
            capacity: 1,
            before: &[],
            threads: &[&[Claim(A, 1)], &[Claim(C, 2)]],
            after: &[Claim(A, 9), Claim(C, 9)],
        },
        schedules: SOME,
        outcomes: 2,
    },
    Race {
        name: "the last room, twice, in one shard",
        program: Program {
            capacity: 1,
            before: &[],
            threads: &[&[Claim(A, 1)], &[Claim(B, 2)]],
            after: &[Claim(A, 9), Claim(B, 9)],
        },
        schedules: SOME,
        outcomes: 2,
    },
    Race {
        name: "a full store with one row released, and two claims of one event",
        program: Program {
            capacity: 1,
            before: &[Claim(A, 1), Release(A, 1)],
            threads: &[&[Claim(C, 2)], &[Claim(C, 3)]],
            after: &[Claim(A, 9), Claim(C, 9)],
        },
        schedules: SOME,
        outcomes: 2,
    },
    Race {
        name: "a full store with one row released, which is claimed",
        program: Program {
            capacity: 1,
            before: &[Claim(A, 1), Release(A, 1)],
            threads: &[&[Claim(C, 2)], &[Claim(A, 3)]],
            after: &[Claim(A, 9), Claim(C, 9)],
        },
        schedules: SOME,
        outcomes: 2,
    },
    Race {
        name: "a full store with one row released, which is completed late",
        program: Program {
            capacity: 1,
            before: &[Claim(A, 1), Release(A, 1)],
            threads: &[&[Claim(C, 2)], &[Complete(A, 1)]],
            after: &[Claim(A, 9), Claim(C, 9)],
        },
        schedules: SOME,
        outcomes: 2,
    },
    Race {
        name: "a full store with one row ended, and two claims",
        program: Program {
            capacity: 2,
            before: &[Claim(A, 1), Pass(20), Claim(B, 1)],
            threads: &[&[Claim(C, 2)], &[Claim(A, 3)]],
            after: &[Claim(C, 9)],
        },
        schedules: SOME,
        outcomes: 2,
    },
    Race {
        name: "a full store whose row is forgotten",
        program: Program {
            capacity: 1,
            before: &[Claim(A, 1)],
            threads: &[&[Claim(C, 2)], &[Forget(A)]],
            after: &[Claim(C, 9), Claim(A, 9)],
        },
        schedules: SOME,
        outcomes: 2,
    },
    Race {
        name: "a full store whose ended row is renewed",
        program: Program {
            capacity: 1,
            before: &[Claim(A, 1), Pass(20)],
            threads: &[&[Claim(C, 2)], &[Renew(A, 1)]],
            after: &[Claim(C, 9), Claim(A, 9)],
        },
        schedules: SOME,
        outcomes: 1,
    },
];

impl Race {
    pub(crate) fn holds(&self) -> Result<String, String> {
        let started = Instant::now();
        let tried = run(memory, self.program, self.schedules);
        if tried.wrong > 0 {
            return Err(format!(
                "  {} of {} histories have no order:\n{}",
                tried.wrong, tried.schedules, tried.history
            ));
        }
        let outcomes = tried.outcomes.len();
        let line = format!(
            "{} schedules{}, {outcomes} outcomes, {:.1} s",
            tried.schedules,
            match self.schedules {
                Schedules::All(_) => ", all",
                Schedules::Some(_) => "",
            },
            started.elapsed().as_secs_f32()
        );
        match outcomes >= self.outcomes && tried.schedules > 1 {
            true => Ok(line),
            false => Err(format!("  only {line}: {:#?}", tried.outcomes)),
        }
    }
}

/// Programs that nobody thought of.
pub(crate) fn random() -> Result<String, String> {
    const PROGRAMS: usize = 400;
    let started = Instant::now();
    let [a, b, c] = [A, B, C].map(|key| shard(&dedup_key(key)));
    if a != b || a == c {
        return Err("  the keys are not in the shards that they are meant for".into());
    }
    let (mut schedules, mut outcomes) = (0, 0);
    let mut dice = Dice(1);
    for _ in 0..PROGRAMS {
        let program = dice.program();
        let tried = run(memory, program, Schedules::Some(45));
        if tried.wrong > 0 {
            return Err(format!(
                "  {} of {} histories have no order, with room for {}:\n{}",
                tried.wrong, tried.schedules, program.capacity, tried.history
            ));
        }
        schedules += tried.schedules;
        outcomes += tried.outcomes.len();
    }
    let seconds = started.elapsed().as_secs_f32();
    let line =
        format!("{PROGRAMS} programs, {schedules} schedules, {outcomes} outcomes, {seconds:.1} s");
    match outcomes > 2 * PROGRAMS {
        true => Ok(line),
        false => Err(format!("  only {line}")),
    }
}

/// SplitMix64: the same programs each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn op(&mut self, owners: u64) -> Op {
        let key = [A, A, B, C][self.below(4) as usize];
        let who = 1 + self.below(owners) as u8;
        match self.below(12) {
            0..=3 => Claim(key, who),
            4 | 5 => Complete(key, who),
            6 | 7 => Release(key, who),
            8 => Renew(key, who),
            9 => Forget(key),
            10 => Pass(10),
            _ => Pass(20),
        }
    }

    fn ops(&mut self, most: u64, owners: u64) -> &'static [Op] {
        let ops: Vec<_> = (0..=self.below(most)).map(|_| self.op(owners)).collect();
        Vec::leak(ops)
    }

    fn program(&mut self) -> Program {
        Program {
            capacity: 1 + self.below(3) as usize,
            // One owner, so that it holds what the threads fight for.
            before: self.ops(4, 1),
            threads: Vec::leak((0..3).map(|_| self.ops(2, 3)).collect()),
            after: &[Claim(A, 9), Claim(B, 9), Claim(C, 9)],
        }
    }
}
