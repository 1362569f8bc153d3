//! tower-webhook and its peers, measured in one run. See `README.md`.

mod apps;
mod core;
mod deliveries;
mod report;
mod routes;
mod targets;
mod turns;
mod versions;

use crate::report::Report;
use crate::turns::Effort;

fn main() {
    let effort = match std::env::args().nth(1).as_deref() {
        None => Effort::FULL,
        Some("--quick") => Effort::QUICK,
        Some(other) => panic!("{other}? There is only --quick"),
    };
    pin();
    let mut report = Report::default();
    core::run(&mut report, effort);
    routes::run(&mut report, effort);
    report.print();
    targets::print(&report);
}

/// Stays on the core that it is on: another one's caches are cold. The measure
/// is CPU time, so it does not matter who else is there.
fn pin() {
    let mut here = rustix::thread::CpuSet::new();
    here.set(rustix::thread::sched_getcpu());
    if rustix::thread::sched_setaffinity(None, &here).is_err() {
        eprintln!("not pinned to a core");
    }
}
