//! Load and soak, over loopback, against a server in a process of its own.
//!
//! `cargo bench --bench load --features axum,testing` runs everything, in about
//! three minutes; `-- soak`, `-- latency`, `-- flood` or `-- hostile`
//! behind it, a part; `--seconds 600`, a longer soak. It prints what it measured
//! as tables, and exits with 1 if something that is promised was not so.
//!
//! The guarded route has all that a deployment would turn on (`rig/server.rs`):
//! GitHub's signature, callers behind a trusted proxy, both limits, time-outs and
//! the store in memory. Half of the cores serve, the others send. Senders are
//! bounded: so many connections, each with one request at a time; where latency
//! is measured, requests are due at fixed times, and wait in it if the server
//! makes them wait.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    clippy::must_use_candidate,
    clippy::cast_precision_loss,
    missing_debug_implementations,
    unreachable_pub,
    dead_code, // of the rig
    missing_docs
)]

mod flood;
mod hostile;
mod latency;
mod open_loop;
mod report;
mod rig;
mod soak;

use std::process::ExitCode;

use self::report::Report;
use self::rig::process::Server;
use self::rig::server::{self, Settings};

/// The cores that serve; as many send.
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

/// For how long events are remembered: so short that as many are forgotten as
/// come, long before the soak is over.
const TTL: u64 = 5;

fn start(callers: usize) -> Server {
    let settings = Settings {
        workers: workers(),
        ttl: TTL,
        callers,
    };
    Server::start(settings, &[])
}

fn main() -> ExitCode {
    if let Some(settings) = Settings::given() {
        server::run(settings);
        return ExitCode::SUCCESS;
    }
    let mut wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let mut seconds = 60;
    if let Some(at) = wanted.iter().position(|argument| argument == "--seconds") {
        seconds = wanted[at + 1].parse().unwrap();
        wanted.drain(at..at + 2);
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);

    let mut report = Report::default();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            if is_wanted("soak") {
                soak::run(seconds, &mut report).await;
            }
            if is_wanted("latency") {
                latency::run(&mut report).await;
            }
            if is_wanted("flood") {
                flood::run(&mut report).await;
            }
            if is_wanted("hostile") {
                hostile::run(&mut report).await;
            }
        });
    report.conclude()
}
