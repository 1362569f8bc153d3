//! A hostile half of the connections.

use std::time::{Duration, Instant};

use crate::report::{Report, median};
use crate::rig::process::Server;
use crate::rig::senders::{self, Run, Sender};
use crate::rig::tally::Tally;
use crate::start;

const GENUINE: [(usize, Sender); 1] = [(32, senders::genuine)];
/// As many. Their rate is bounded: what they hold open is what is measured,
/// not the CPU that forged requests take from a machine that is saturated.
const HOSTILE: [(usize, Sender); 5] = [
    (8, senders::half_headers),
    (10, senders::stalled),
    (10, senders::trickling),
    (2, senders::forged_slowly),
    (2, senders::reset),
];

const PAIRS: usize = 10;
/// Longer than the body's time-out.
const ROUND: Duration = Duration::from_secs(3);
const LEAST: f64 = 0.9;

pub async fn run(report: &mut Report) {
    let mut server = start(100_000);
    let run = Run::new(server.address);
    // Unmeasured: the store and the caches fill.
    Round::measure(&server, &run, &[]).await;
    let (mut throughput, mut cpu) = (Vec::new(), Vec::new());
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut genuine, mut hostile) = (Tally::default(), Tally::default());
    for pair in 0..PAIRS {
        let mut rounds = Vec::new();
        // The order changes, so that a drift of the machine favours neither.
        for is_hostile in [pair % 2 == 1, pair % 2 == 0] {
            let others: &[_] = if is_hostile { &HOSTILE } else { &[] };
            let round = Round::measure(&server, &run, others).await;
            genuine.merge(round.genuine.clone());
            hostile.merge(round.hostile.clone());
            rounds.push(round);
        }
        if pair % 2 == 1 {
            rounds.reverse();
        }
        throughput.push(rounds[1].throughput / rounds[0].throughput);
        cpu.push(rounds[1].cpu / rounds[0].cpu);
        alone.push((rounds[0].throughput, rounds[0].cpu));
        beside.push((rounds[1].throughput, rounds[1].cpu));
    }
    let (throughput, cpu) = (median(throughput), median(cpu));

    println!(
        "\n## Hostile half: 32 genuine connections, with and without 32 hostile ones, {PAIRS} pairs of {} s\n",
        ROUND.as_secs()
    );
    println!("| | alone | beside | ratio, median of the pairs |\n|---|---:|---:|---:|");
    let of = |rounds: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| {
        median(rounds.iter().map(pick).collect())
    };
    println!(
        "| genuine requests/s | {:.0} | {:.0} | {throughput:.3}× |",
        of(&alone, |r| r.0),
        of(&beside, |r| r.0)
    );
    println!(
        "| server's CPU for each | {:.1} µs | {:.1} µs | {cpu:.3}× |",
        of(&alone, |r| r.1),
        of(&beside, |r| r.1)
    );
    println!("\nWhat the hostile ones sent:\n\n{hostile}");

    report.check(
        throughput >= LEAST,
        format!("genuine throughput beside them is {throughput:.3}×; at least {LEAST}×"),
    );
    let mut violations = genuine.violations();
    violations.extend(hostile.violations());
    report.check(
        violations.is_empty(),
        format!("every request was answered as it should be {violations:?}"),
    );
    let counts = server.counts();
    let processed = counts.calls == counts.events && counts.repeated == 0;
    report.check(
        processed,
        format!("each event was handled exactly once: {counts:?}"),
    );
}

struct Round {
    genuine: Tally,
    hostile: Tally,
    /// Genuine requests a second.
    throughput: f64,
    /// Microseconds of the server's CPU for each of them.
    cpu: f64,
}

impl Round {
    async fn measure(server: &Server, run: &Run, others: &[(usize, Sender)]) -> Self {
        let (run, hostile) = (run.again(), run.again());
        let others = senders::start(&hostile, others);
        let (began, cpu) = (Instant::now(), server.cpu());
        let sending = senders::start(&run, &GENUINE);
        tokio::time::sleep(ROUND).await;
        run.stop();
        let genuine = senders::finish(sending).await;
        let (elapsed, cpu) = (began.elapsed(), server.cpu().saturating_sub(cpu));
        hostile.stop();
        let hostile = senders::finish(others).await;
        let processed = genuine.processed() as f64;
        Self {
            genuine,
            hostile,
            throughput: processed / elapsed.as_secs_f64(),
            cpu: 1e6 * cpu.as_secs_f64() / processed,
        }
    }
}
