//! What is tried.

use std::time::Instant;

use crate::choices::Choices;
use crate::event::Limits;
use crate::sender::{GENUINE, Sender};
use crate::store::{Take, right};
use crate::world::run;

pub struct Case {
    pub name: &'static str,
    limits: Limits,
    /// At random, so many; or every one there is.
    random: Option<usize>,
}

pub const ONE: Limits = Limits {
    sender: Sender::SIGNS_IDS,
    deliveries: 1,
    disconnections: 1,
    faults: 0,
    ticks: 2,
    shutdown: true,
    crash: false,
    failures: true,
    prompt: false,
    later: false,
};

/// Two deliveries with two rows each, in every order in which they are polled at once.
const TWO_ROWS: Limits = Limits {
    sender: Sender::SIGNS_BODIES,
    deliveries: 2,
    disconnections: 0,
    ticks: 0,
    shutdown: false,
    prompt: true,
    ..ONE
};

/// Handlers that may run for longer than a lease.
pub const RENEWED: Limits = Limits {
    ticks: 4,
    failures: false,
    later: true,
    ..TWO_ROWS
};

pub const CASES: &[Case] = &[
    Case {
        name: "one delivery, a disconnection, a shutdown",
        limits: ONE,
        random: None,
    },
    Case {
        name: "one delivery, a disconnection, a fault",
        limits: Limits {
            faults: 1,
            shutdown: false,
            ..ONE
        },
        random: None,
    },
    Case {
        name: "one delivery, a fault, a crash",
        limits: Limits {
            disconnections: 0,
            faults: 1,
            shutdown: false,
            crash: true,
            ..ONE
        },
        random: None,
    },
    Case {
        name: "two deliveries",
        limits: Limits {
            deliveries: 2,
            disconnections: 0,
            ticks: 1,
            shutdown: false,
            failures: false,
            ..ONE
        },
        random: None,
    },
    Case {
        name: "two deliveries and a lease that passes, a crash",
        limits: Limits {
            deliveries: 2,
            disconnections: 0,
            ticks: 3,
            shutdown: false,
            crash: true,
            failures: false,
            ..ONE
        },
        random: Some(30_000),
    },
    Case {
        name: "four deliveries and everything else",
        limits: Limits {
            sender: Sender::SIGNS_IDS,
            deliveries: 4,
            disconnections: 3,
            faults: 4,
            ticks: 12,
            ..ONE
        },
        random: Some(50_000),
    },
    Case {
        name: "two rows: one delivery, a fault, a crash",
        limits: Limits {
            sender: Sender {
                sends: &[GENUINE],
                ..Sender::SIGNS_BODIES
            },
            disconnections: 0,
            faults: 1,
            ticks: 1,
            shutdown: false,
            crash: true,
            ..ONE
        },
        random: None,
    },
    Case {
        name: "two rows: two deliveries, a crash",
        limits: Limits {
            crash: true,
            ..TWO_ROWS
        },
        random: None,
    },
    Case {
        name: "two rows: two deliveries, a fault",
        limits: Limits {
            faults: 1,
            failures: false,
            ..TWO_ROWS
        },
        random: None,
    },
    Case {
        name: "two rows: two events, captured bytes of one under the id of the other",
        limits: Limits {
            sender: Sender::IS_MISNAMED,
            deliveries: 3,
            disconnections: 0,
            faults: 1,
            ticks: 4,
            shutdown: false,
            ..ONE
        },
        random: Some(30_000),
    },
    Case {
        name: "two rows: two deliveries and leases that are renewed",
        limits: RENEWED,
        random: None,
    },
    Case {
        name: "two rows and a signed time: three deliveries and leases that pass",
        limits: Limits {
            sender: Sender::SIGNS_TIMES,
            deliveries: 3,
            disconnections: 0,
            ticks: 8,
            shutdown: false,
            ..ONE
        },
        random: Some(30_000),
    },
    Case {
        name: "two rows: three deliveries, a fault, a crash",
        limits: Limits {
            sender: Sender::SIGNS_BODIES,
            deliveries: 3,
            disconnections: 0,
            faults: 1,
            ticks: 4,
            shutdown: false,
            crash: true,
            ..ONE
        },
        random: Some(30_000),
    },
    Case {
        name: "two rows and a signed time: four deliveries and everything else",
        limits: Limits {
            sender: Sender::SIGNS_TIMES,
            deliveries: 4,
            disconnections: 3,
            faults: 4,
            ticks: 12,
            ..ONE
        },
        random: Some(30_000),
    },
];

pub struct Found {
    pub histories: usize,
    pub longest: usize,
    pub detached: usize,
    pub wrong: Option<String>,
}

pub fn explore(limits: Limits, take: Take, mut choices: Choices) -> Found {
    let mut found = Found {
        histories: 0,
        longest: 0,
        detached: 0,
        wrong: None,
    };
    loop {
        let told = run(limits, take, &mut choices);
        found.histories += 1;
        found.longest = found.longest.max(told.events.len());
        found.detached += told.detached;
        if let Some(why) = told.wrong {
            let events: Vec<_> = told
                .events
                .iter()
                .map(|event| format!("    {event:?}"))
                .collect();
            found.wrong = Some(format!("  {why}:\n{}", events.join("\n")));
            return found;
        }
        if !choices.next() {
            return found;
        }
    }
}

impl Case {
    pub fn holds(&self) -> Result<String, String> {
        let started = Instant::now();
        let choices = match self.random {
            None => Choices::all(),
            Some(runs) => Choices::random(runs),
        };
        let found = explore(self.limits, right, choices);
        if let Some(wrong) = found.wrong {
            return Err(wrong);
        }
        let line = format!(
            "{} histories{}, up to {} events, {} handlers went on alone, {:.1} s",
            found.histories,
            if self.random.is_none() {
                ", all"
            } else {
                " at random"
            },
            found.longest,
            found.detached,
            started.elapsed().as_secs_f32()
        );
        match found.histories > 100 && (found.detached > 0 || self.limits.disconnections == 0) {
            true => Ok(line),
            false => Err(format!("  only {line}")),
        }
    }
}
