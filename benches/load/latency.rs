//! The guarded route beside the bare one.

use crate::open_loop;
use crate::report::Report;
use crate::rig::senders::Run;
use crate::rig::server::{BARE, GUARDED};
use crate::start;

/// A second, to each route: far from saturation, where latency would be that of
/// a queue.
const RATE: u32 = 1000;
const SECONDS: u32 = 15;

/// What half of the bare route's take at most, in microseconds, on a machine
/// that is not busy otherwise.
const UNSATURATED: f64 = 5000.0;

/// How much slower half of the requests may be.
const MEDIAN: f64 = 2.0;
const PERCENTILE_99: f64 = 2.0;

pub async fn run(report: &mut Report) {
    let mut server = start(100_000);
    let run = Run::new(server.address);
    let sent = open_loop::send(&run, &[BARE, GUARDED], RATE, SECONDS).await;
    let [bare, guarded] = &sent[..] else { return };

    println!("\n## Latency, {RATE} requests of 1 KiB a second to each route, in turns\n");
    println!("| | bare route | guarded route | ratio |\n|---|---:|---:|---:|");
    let mut ratios = Vec::new();
    for (name, permille) in [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)] {
        let (bare, guarded) = (bare.permille(permille), guarded.permille(permille));
        println!(
            "| {name} | {bare:.0} µs | {guarded:.0} µs | {:.2}× |",
            guarded / bare
        );
        ratios.push(guarded / bare);
    }
    println!();
    let median = bare.permille(500);
    report.check(
        median <= UNSATURATED,
        format!("half of the bare route's were answered within {median:.0} µs; more than {UNSATURATED} µs would be a queue"),
    );
    report.check(
        ratios[0] <= MEDIAN,
        format!(
            "p50 is {:.2}× of the bare route's; at most {MEDIAN}×",
            ratios[0]
        ),
    );
    report.check(
        ratios[2] <= PERCENTILE_99,
        format!("p99 is {:.2}×; at most {PERCENTILE_99}×", ratios[2]),
    );
    let mut all = bare.tally.clone();
    all.merge(guarded.tally.clone());
    let (violations, counts) = (all.violations(), server.counts());
    report.check(
        violations.is_empty() && (counts.calls, counts.repeated) == (all.sent(), 0),
        format!(
            "all of {} were processed, once each {violations:?}: {counts:?}",
            all.sent()
        ),
    );
}
