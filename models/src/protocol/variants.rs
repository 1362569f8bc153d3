//! Protocols that are wrong, each with what comes of it. Most have been somebody's.

use crate::check::THREE;
use crate::row::{Answer, FOREVER, Is, Op, Row, Rules, Times, Who, library};
use crate::rules::Rule;
use crate::steps::{Config, Habits};

pub struct Variant {
    pub name: &'static str,
    rules: Rules,
    habits: Habits,
    times: Times,
    pub breaks: &'static [Rule],
}

impl Variant {
    pub const fn config(&self) -> Config {
        Config {
            rules: self.rules,
            habits: self.habits,
            times: self.times,
            ..THREE
        }
    }
}

const RIGHT: Variant = Variant {
    name: "",
    rules: library,
    habits: Habits::NONE,
    times: Times { lease: 1, ttl: 2 },
    breaks: &[],
};

pub const ALL: &[Variant] = &[
    Variant {
        name: "nothing is fenced",
        rules: |row, op, who, times| library(row, op, owner_of(row, op, who), times),
        breaks: &[Rule::Held, Rule::Alone, Rule::Aware, Rule::Once],
        ..RIGHT
    },
    Variant {
        name: "releases are not fenced",
        rules: |row, op, who, times| match op {
            Op::Release => library(row, op, owner_of(row, op, who), times),
            _ => library(row, op, who, times),
        },
        breaks: &[Rule::Held, Rule::Alone, Rule::Aware],
        ..RIGHT
    },
    Variant {
        name: "completions are not fenced",
        rules: |row, op, who, times| match op {
            Op::Complete => library(row, op, owner_of(row, op, who), times),
            _ => library(row, op, who, times),
        },
        breaks: &[Rule::Held],
        ..RIGHT
    },
    Variant {
        name: "renewals are not fenced",
        rules: |row, op, who, times| match op {
            Op::Renew => library(row, op, owner_of(row, op, who), times),
            _ => library(row, op, who, times),
        },
        times: Times { lease: 2, ttl: 4 },
        breaks: &[Rule::Held, Rule::Aware],
        ..RIGHT
    },
    Variant {
        name: "a release deletes the row, whoever's it is",
        rules: |row, op, who, times| match op {
            Op::Release => (Answer::Released, None),
            _ => library(row, op, who, times),
        },
        breaks: &[Rule::Done, Rule::Held, Rule::Alone],
        ..RIGHT
    },
    Variant {
        name: "a release undoes what is done",
        rules: |row, op, who, times| match (op, row) {
            (Op::Release, Some(row)) if row.is == Is::Done => {
                let is = Is::Released;
                (Answer::Released, Some(Row { is, ..row }))
            }
            _ => library(row, op, who, times),
        },
        breaks: &[Rule::Done],
        ..RIGHT
    },
    Variant {
        name: "a completion overwrites whatever is there",
        rules: |row, op, who, times| match op {
            Op::Complete => library(None, op, who, times),
            _ => library(row, op, who, times),
        },
        breaks: &[Rule::Held, Rule::Done],
        ..RIGHT
    },
    Variant {
        name: "marked as seen before the handler runs",
        rules: |row, op, who, times| match (op, row) {
            (Op::Claim, None) => (Answer::Won, library(None, Op::Complete, who, times).1),
            _ => library(row, op, who, times),
        },
        breaks: &[Rule::Founded],
        ..RIGHT
    },
    Variant {
        name: "a claim without a lease",
        rules: |row, op, who, times| {
            let (answer, row) = library(row, op, who, times);
            let held = row.filter(|row| matches!(row.is, Is::InFlight { .. }));
            let for_ever = held.map(|row| Row {
                is: Is::InFlight { lease: FOREVER },
                life: FOREVER,
                ..row
            });
            (answer, for_ever.or(row))
        },
        breaks: &[Rule::Taken, Rule::Lost],
        ..RIGHT
    },
    Variant {
        name: "a claim takes over while the lease holds",
        rules: |row, op, who, times| match op {
            Op::Claim => {
                let over = row.map(|row| match row.is {
                    Is::InFlight { .. } => Row {
                        is: Is::InFlight { lease: 0 },
                        ..row
                    },
                    Is::Released | Is::Done => row,
                });
                library(over, op, who, times)
            }
            _ => library(row, op, who, times),
        },
        breaks: &[Rule::Held, Rule::Alone, Rule::Aware],
        ..RIGHT
    },
    Variant {
        name: "a row may end before its lease",
        rules: |row, op, who, times| {
            let (answer, written) = library(row, op, who, times);
            let ends = |row: Row| Row {
                life: row.life.min(times.ttl),
                ..row
            };
            (answer, written.map(ends))
        },
        times: Times { lease: 2, ttl: 1 },
        breaks: &[Rule::Aware],
        ..RIGHT
    },
    Variant {
        name: "the lease counts from the answer to the claim",
        habits: Habits {
            lease_counts_from_the_answer: true,
            ..Habits::NONE
        },
        breaks: &[Rule::Aware],
        ..RIGHT
    },
    Variant {
        name: "released when the completion was not answered",
        habits: Habits {
            releases_what_it_could_not_complete: true,
            ..Habits::NONE
        },
        breaks: &[Rule::Once],
        ..RIGHT
    },
    Variant {
        name: "a delivery of what is in flight is acknowledged",
        habits: Habits {
            acknowledges_what_is_busy: true,
            ..Habits::NONE
        },
        breaks: &[Rule::Founded],
        ..RIGHT
    },
    Variant {
        name: "acknowledged before the handler has ended",
        habits: Habits {
            acknowledges_before_the_handler: true,
            ..Habits::NONE
        },
        breaks: &[Rule::Founded],
        ..RIGHT
    },
];

/// Whoever the row is, but for a claim.
fn owner_of(row: Option<Row>, op: Op, who: Who) -> Who {
    match row {
        Some(row) if op != Op::Claim => row.owner,
        _ => who,
    }
}
