//! Everything at once, for a while.

use std::time::{Duration, Instant};

use crate::report::{Report, median};
use crate::rig::process::Server;
use crate::rig::senders::{self, Run, Sender};
use crate::rig::server::FAILURES;
use crate::rig::tally::{Class, Outcome, Tally};
use crate::{TTL, start, workers};

/// How many connections of each; copies have four each.
const SENDERS: [(usize, Sender); 12] = [
    (16, senders::genuine),
    (8, senders::repeated),
    (2, senders::copies),
    (8, senders::in_pieces),
    (4, senders::forged),
    (1, senders::frequent),
    (8, senders::trickling),
    (8, senders::stalled),
    (4, senders::half_headers),
    (2, senders::oversized),
    (2, senders::oversized_chunks),
    (4, senders::reset),
];

/// By how much memory may grow from the middle to the end.
const GROWTH_KIB: f64 = 4.0 * 1024.0;

pub async fn run(seconds: u64, report: &mut Report) {
    let mut server = start(100_000);
    let descriptors = server.descriptors();
    let run = Run::new(server.address);
    let (began, cpu) = (Instant::now(), server.cpu());
    let sending = senders::start(&run, &SENDERS);
    let memory = watch_memory(&server, seconds).await;
    run.stop();
    let tally = senders::finish(sending).await;
    let (elapsed, cpu) = (began.elapsed(), server.cpu().saturating_sub(cpu));

    println!("\n## Mixed soak, {seconds} s\n\n{tally}");
    let sent = tally.sent() as f64;
    println!("| requests/s | server's CPU | CPU per request | memory at half time | at the end |");
    println!("|---:|---:|---:|---:|---:|");
    let (middle, end) = (middle(&memory), end(&memory));
    println!(
        "| {:.0} | {:.0} % of {} | {:.1} µs | {:.1} MiB | {:.1} MiB |\n",
        sent / elapsed.as_secs_f64(),
        100.0 * cpu.as_secs_f64() / elapsed.as_secs_f64() / workers() as f64,
        match workers() {
            1 => "a core".to_owned(),
            many => format!("{many} cores"),
        },
        1e6 * cpu.as_secs_f64() / sent,
        middle / 1024.0,
        end / 1024.0,
    );

    answers(&tally, elapsed, report);
    once(&mut server, &tally, report);
    if seconds >= 8 * TTL {
        report.check(
            end - middle <= GROWTH_KIB,
            format!(
                "memory grew by {:.0} KiB in the second half; at most {GROWTH_KIB:.0}",
                end - middle
            ),
        );
    } else {
        println!("- memory is judged from {} s on", 8 * TTL);
    }
    let open = server.descriptors_back_to(descriptors).await;
    report.check(
        open <= descriptors,
        format!("{open} file descriptors are open, {descriptors} were at the start"),
    );
}

/// Resident memory, in KiB, every second.
async fn watch_memory(server: &Server, seconds: u64) -> Vec<f64> {
    let mut samples = Vec::new();
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        samples.push(server.memory() as f64);
    }
    samples
}

fn middle(memory: &[f64]) -> f64 {
    let half = memory.len() / 2;
    median(memory[half.saturating_sub(2)..(half + 3).min(memory.len())].to_vec())
}

fn end(memory: &[f64]) -> f64 {
    median(memory[memory.len().saturating_sub(5)..].to_vec())
}

fn answers(tally: &Tally, elapsed: Duration, report: &mut Report) {
    let violations = tally.violations();
    report.check(
        violations.is_empty(),
        format!("every request was answered as it should be {violations:?}"),
    );
    let failures = tally.count(Class::Frequent, Outcome::Refused(401));
    let allowed = u64::from(FAILURES) * (1 + elapsed.as_secs() / 60) + elapsed.as_secs() + 2;
    report.check(
        failures <= allowed,
        format!("one caller failed {failures} times before 429; at most {allowed}"),
    );
}

fn once(server: &mut Server, tally: &Tally, report: &mut Report) {
    let counts = server.counts();
    let processed = tally.processed();
    report.check(
        (counts.calls, counts.events, counts.repeated) == (processed, processed, 0),
        format!("each of {processed} events was handled exactly once: {counts:?}"),
    );
    report.check(
        counts.running == 0 && counts.rows <= 2 * processed,
        format!("nothing is left running, and of those that were refused no row: {counts:?}"),
    );
}
