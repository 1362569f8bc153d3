//! What the operations guide says, held against what is true.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tower_webhook::provider::{self, Preset};

use crate::readme::{between, bless};

const GUIDE: &str = include_str!("../../src/operations.md");
/// What `DedupLayer` documents as its default.
const DEFAULT_TTL: Duration = Duration::from_secs(96 * 60 * 60);
const DAY: u64 = 24 * 60 * 60;

#[test]
fn providers_that_retry_for_longer_than_the_default_are_listed() {
    let mut table = "\n| preset | retries for |\n|---|---|\n".to_owned();
    for preset in provider::all() {
        let Preset::Signed(scheme) = &preset else {
            continue;
        };
        let horizon = scheme.retry_horizon();
        if horizon > DEFAULT_TTL {
            let days = horizon.as_secs().div_ceil(DAY);
            writeln!(table, "| `{}` | {days} days |", preset.name()).unwrap();
        }
    }
    let found = between(GUIDE, "<!-- horizons -->", "<!-- /horizons -->");
    bless("src/operations.md", GUIDE, found, &table);
}

/// Whoever searches the log for them finds them.
#[test]
fn the_events_to_alarm_on_are_logged_in_these_words() {
    let mut sources = String::new();
    read(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut sources,
    );
    let table = GUIDE.split_once("# What to alarm on").unwrap().1;
    let table = table.split_once("\n# ").unwrap().0;
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let mut count = 0;
    for row in rows {
        let first = row.split(" | ").next().unwrap();
        for words in first.split('`').skip(1).step_by(2) {
            count += 1;
            assert!(sources.contains(&format!("\"{words}\"")), "{words}");
        }
    }
    assert!(count > 10, "{count}");
}

fn read(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
