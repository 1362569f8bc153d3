//! The store in memory under schedulers that decide who goes on. See
//! `models/README.md`.

#![allow(
    clippy::duplicate_mod,
    reason = "the rules, once for the store and once for each judge of it"
)]

mod history;
mod primitives;
mod programs;
mod run;
mod spec;
mod store;
mod wrong;

/// Where the store, which is the library's own file, looks for what it names.
mod clock {
    pub(crate) use tower_webhook::clock::MonotonicClock;
}
use tower_webhook::{Clock, ConfigError, Timestamp};

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut failed = false;
    let mut report = |title: &str, result: Result<String, String>| match result {
        Ok(line) => println!("{title}: {line}"),
        Err(why) => {
            failed = true;
            println!("{title}: FAILED\n{why}");
        }
    };
    for race in programs::RACES {
        report(race.name, race.holds());
    }
    report("random programs", programs::random());
    for wrong in wrong::ALL {
        report(&format!("wrong: {}", wrong.name), wrong.fails());
    }
    ExitCode::from(u8::from(failed))
}
