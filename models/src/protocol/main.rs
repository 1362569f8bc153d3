//! The protocol around a handler, in every order that deaths, lost answers, late
//! steps and time can put it. See `models/README.md`.

// Where the rules, which are the library's own file, look for what they name.
use tower_webhook::{Timestamp, store};

mod check;
mod real;
mod row;
mod rules;
mod search;
mod state;
mod steps;
mod variants;

use std::process::ExitCode;

fn main() -> ExitCode {
    let tell = std::env::args().any(|argument| argument == "--traces");
    let mut failed = false;
    let mut report = |title: &str, result: Result<String, String>| match result {
        Ok(line) => println!("{title}: {line}"),
        Err(why) => {
            failed = true;
            println!("{title}: FAILED\n{why}");
        }
    };
    report("the store of the crate, row by row", real::agrees());
    for variant in variants::ALL {
        let title = format!("wrong: {}", variant.name);
        report(&title, check::fails(variant, tell));
    }
    for (title, config) in check::CONFIGS {
        report(title, check::holds(&config));
    }
    ExitCode::from(u8::from(failed))
}
