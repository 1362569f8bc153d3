//! What is explored, and what must come of it.

use std::time::Instant;

use crate::row::{Times, library};
use crate::rules;
use crate::search::search;
use crate::steps::{Config, Habits};
use crate::variants::Variant;

const TWO: Config = Config {
    rules: library,
    habits: Habits::NONE,
    times: Times { lease: 2, ttl: 3 },
    slots: 2,
    faults: None,
    stale: 2,
};

pub const THREE: Config = Config {
    times: Times { lease: 1, ttl: 2 },
    slots: 3,
    faults: Some(2),
    stale: 1,
    ..TWO
};

/// What is explored to its end.
pub const CONFIGS: [(&str, Config); 3] = [
    ("two deliveries at once, any number of faults", TWO),
    (
        "the same, and rows that would live for less than a lease",
        Config {
            times: Times { lease: 2, ttl: 1 },
            ..TWO
        },
    ),
    ("three deliveries at once, two faults", THREE),
];

/// Explores everything in `config`, and finds nothing.
pub fn holds(config: &Config) -> Result<String, String> {
    let started = Instant::now();
    match search(config, &rules::ALL) {
        Ok(explored) if explored.states > 100_000 && explored.depth > 20 => Ok(format!(
            "{} states, {} steps, {} deep, {:.1} s",
            explored.states,
            explored.steps,
            explored.depth,
            started.elapsed().as_secs_f32()
        )),
        Ok(explored) => Err(format!("  next to nothing was explored: {explored:?}")),
        Err(broken) => Err(broken.told()),
    }
}

/// Finds that `variant` breaks what it must.
pub fn fails(variant: &Variant, tell: bool) -> Result<String, String> {
    let mut found = Vec::new();
    for rule in variant.breaks {
        match search(&variant.config(), &[*rule]) {
            Ok(explored) => return Err(format!("  not found ({}) in {explored:?}", rule.text())),
            Err(broken) if tell => found.push(format!("found\n{}", broken.told())),
            Err(broken) => found.push(format!(
                "found in {} steps: {}",
                broken.trace.len(),
                rule.text()
            )),
        }
    }
    match found.is_empty() {
        true => Err("  breaks nothing".into()),
        false => Ok(found.join("; ")),
    }
}
