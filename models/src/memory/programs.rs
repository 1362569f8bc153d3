//! What is run at once.

use std::time::Instant;

use crate::history::Op::{self, *};
use crate::run::{Make, Program, Schedules, memory, run};
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
const A: u8 = 1;
const B: u8 = 0;
const C: u8 = 2;

const ALL: Schedules = Schedules::All(400_000);
const SOME: Schedules = Schedules::Some(3_000);

const RACES_OF_TWO: Program = Program {
    capacity: 10,
    before: &[],
    threads: &[],
    after: &[Claim(A, 9)],
};

pub(crate) const RACES: &[Race] = &[
    Race {
        name: "two claims",
        program: Program {
            threads: &[&[Claim(A, 1)], &[Claim(A, 2)]],
            ..RACES_OF_TWO
        },
        schedules: ALL,
        outcomes: 2,
    },
];

impl Race {
    pub(crate) fn holds(&self) -> Result<String, String> {
        let started = Instant::now();
        let tried = run(memory, self.program, self.schedules)?;
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

pub(crate) fn random() -> Result<String, String> {
    for k in 0..20 { println!("{k}: {}", shard(&dedup_key(k))); }
    Ok(String::new())
}
