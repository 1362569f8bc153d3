//! What the operations guide says, held against what is true.

use std::fmt::Write;
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
