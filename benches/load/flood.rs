//! Forged requests from many addresses, while genuine ones keep coming.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::channel;
use tokio::task::JoinSet;

use crate::open_loop::{self, Sent};
use crate::report::Report;
use crate::rig::client::Connection;
use crate::rig::process::Server;
use crate::rig::senders::Run;
use crate::rig::server::GUARDED;
use crate::rig::tally::{Class, Outcome, Tally};
use crate::start;

/// Genuine requests a second.
const GENUINE: u32 = 500;
/// Forged ones a second, each from an address that was not seen before.
const FORGED: u32 = 5000;
const ROUNDS: usize = 4;
const SECONDS: u32 = 4;
/// How many callers the limiter holds: a fraction of those that come.
const CALLERS: usize = 1_000;
const GROWTH_KIB: u64 = 1024;

pub async fn run(report: &mut Report) {
    let mut server = start(CALLERS);
    let run = Run::new(server.address);
    // Until as many events are forgotten as come.
    genuine(&run, 2 * SECONDS).await;
    let memory = server.memory();
    let (mut quiet, mut flooded) = (Round::default(), Round::default());
    for _ in 0..ROUNDS {
        quiet.measure(&server, &run, false).await;
        flooded.measure(&server, &run, true).await;
    }
    let grown = server.memory().saturating_sub(memory);
    let strangers = run.provider.strangers();

    println!(
        "\n## Flood: forged requests from {strangers} addresses, {ROUNDS} rounds of {SECONDS} s with and without\n"
    );
    println!("| | without | with |\n|---|---:|---:|");
    let row = |name: &str, of: &dyn Fn(&Round) -> String| {
        println!("| {name} | {} | {} |", of(&quiet), of(&flooded))
    };
    row("forged requests/s", &|round| {
        format!("{:.0}", round.forged.sent() as f64 / round.seconds())
    });
    row("genuine requests/s", &|round| {
        format!("{:.1}", round.per_second())
    });
    for (name, permille) in [("p50", 500), ("p99", 990)] {
        row(&format!("genuine {name}"), &|round| {
            format!("{:.0} µs", round.genuine.permille(permille))
        });
    }
    row("server's CPU", &|round| {
        format!(
            "{:.0} ms/s",
            1e3 * round.cpu.as_secs_f64() / round.seconds()
        )
    });
    let cost = (flooded.cpu.as_secs_f64() - quiet.cpu.as_secs_f64()) / flooded.forged.sent() as f64;
    println!(
        "\nA forged request costs {:.1} µs of the server's CPU.\n\n{}",
        1e6 * cost,
        flooded.forged
    );

    for (name, round) in [("without", &quiet), ("with", &flooded)] {
        let violations = round.genuine.tally.violations();
        report.check(
            violations.is_empty(),
            format!("{name} the flood, no genuine request is refused {violations:?}"),
        );
    }
    let ratio = flooded.per_second() / quiet.per_second();
    report.check(
        ratio >= 0.98,
        format!("genuine throughput with the flood is {ratio:.3}× of that without; at least 0.98×"),
    );
    let passed =
        flooded.forged.processed() + flooded.forged.count(Class::Forged, Outcome::Acknowledged);
    report.check(passed == 0, format!("{passed} forged requests passed"));
    report.check(
        grown <= GROWTH_KIB,
        format!("memory grew by {grown} KiB over {strangers} callers; at most {GROWTH_KIB}"),
    );
    let counts = server.counts();
    report.check(
        counts.repeated == 0,
        format!("no event was handled twice: {counts:?}"),
    );
}

async fn genuine(run: &Run, seconds: u32) -> Sent {
    let mut sent = open_loop::send(run, &[GUARDED], GENUINE, seconds).await;
    sent.pop().unwrap_or_default()
}

#[derive(Default)]
struct Round {
    genuine: Sent,
    forged: Tally,
    elapsed: Duration,
    cpu: Duration,
}

impl Round {
    async fn measure(&mut self, server: &Server, run: &Run, flooded: bool) {
        let (began, cpu) = (Instant::now(), server.cpu());
        let flood = flooded.then(|| flood(run));
        self.genuine.merge(genuine(run, SECONDS).await);
        self.elapsed += began.elapsed();
        if let Some((clock, mut senders)) = flood {
            clock.abort();
            while let Some(tally) = senders.join_next().await {
                self.forged.merge(tally.unwrap());
            }
        }
        self.cpu += server.cpu().saturating_sub(cpu);
    }

    fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }

    fn per_second(&self) -> f64 {
        self.genuine.latencies.len() as f64 / self.seconds()
    }
}

/// As many as are due, or as the connections take.
fn flood(run: &Run) -> (tokio::task::JoinHandle<()>, JoinSet<Tally>) {
    let (queue, due) = channel(64);
    let clock = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        loop {
            tick.tick().await;
            for _ in 0..FORGED / 500 {
                let _ = queue.try_send(());
            }
        }
    });
    let due = Arc::new(Mutex::new(due));
    let mut senders = JoinSet::new();
    for _ in 0..16 {
        let (run, due) = (run.clone(), Arc::clone(&due));
        senders.spawn(async move {
            let (mut tally, mut connection) = (Tally::default(), Connection::to(run.server));
            while due.lock().await.recv().await.is_some() {
                let request = run.provider.write(&run.provider.forged()).whole();
                tally.add(Class::Forged, connection.exchange(&request).await);
            }
            tally
        });
    }
    (clock, senders)
}
