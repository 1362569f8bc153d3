//! What `benches/load` measures, in small: counts only, no times.
//!
//! The server is this program in a process of its own, so that its file
//! descriptors and its memory are nobody else's.

#[path = "../../../benches/load/rig/mod.rs"]
#[allow(
    clippy::print_stdout,
    dead_code,
    reason = "the server speaks to its parent; some is for the bench alone"
)]
mod rig;

use self::rig::process::Server;
use self::rig::senders::{self, Run, Sender};
use self::rig::server::{FAILURES, Settings};
use self::rig::tally::{Class, Outcome, Tally};

#[test]
#[ignore = "a process that the other tests start"]
fn server() {
    if let Some(settings) = Settings::given() {
        rig::server::run(settings);
    }
}

fn start(callers: usize) -> Server {
    let (_, test) = concat!(module_path!(), "::server")
        .split_once("::")
        .unwrap();
    let settings = Settings {
        workers: 2,
        ttl: 600,
        callers,
    };
    Server::start(settings, &[test, "--exact", "--ignored", "--nocapture"])
}

/// All of them at the same time, so many rounds of each.
async fn send(run: &Run, senders: &[(usize, Sender, usize)]) -> Tally {
    let started: Vec<_> = senders
        .iter()
        .map(|(count, sender, rounds)| {
            let run = run.clone().for_rounds(*rounds);
            senders::start(&run, &[(*count, *sender)])
        })
        .collect();
    let mut all = Tally::default();
    for senders in started {
        all.merge(senders::finish(senders).await);
    }
    all
}

#[tokio::test]
async fn a_mixture_is_answered_as_it_should_be_and_each_event_is_handled_once() {
    let mut server = start(100_000);
    let descriptors = server.descriptors();
    let run = Run::new(server.address);
    let tally = send(
        &run,
        &[
            (4, senders::genuine, 100),
            (4, senders::repeated, 50),
            (2, senders::copies, 5),
            (4, senders::in_pieces, 2),
            (2, senders::forged, 100),
            (1, senders::frequent, 200),
            (4, senders::trickling, 1),
            (4, senders::stalled, 1),
            (2, senders::half_headers, 1),
            (1, senders::oversized, 20),
            (1, senders::oversized_chunks, 20),
            (2, senders::reset, 5),
        ],
    )
    .await;

    assert_eq!(tally.violations(), [""; 0], "{tally}");
    let failures = tally.count(Class::Frequent, Outcome::Refused(401));
    assert!(failures >= u64::from(FAILURES), "{tally}");
    let events = 4 * 100 + 4 * 50 + 2 * 5 + 4 * 2;
    assert_eq!(tally.processed(), events, "{tally}");
    let counts = server.counts();
    assert_eq!((counts.calls, counts.events), (events, events), "{tally}");
    assert_eq!((counts.repeated, counts.running), (0, 0));
    // The id, and what was signed; nothing of what was refused.
    assert_eq!(counts.rows, 2 * events);
    let open = server.descriptors_back_to(descriptors).await;
    assert!(open <= descriptors, "{open} are open, of {descriptors}");
}

/// More addresses fail than the limiter holds.
#[tokio::test]
async fn e2_a_flood_of_strangers_shuts_out_no_genuine_request() {
    let mut server = start(32);
    let run = Run::new(server.address);
    let tally = send(
        &run,
        &[(8, senders::forged, 400), (4, senders::genuine, 400)],
    )
    .await;
    assert_eq!(tally.violations(), [""; 0], "{tally}");
    let counts = server.counts();
    assert_eq!((counts.calls, counts.events), (1600, 1600), "{tally}");
    assert_eq!((counts.repeated, counts.rows), (0, 3200));
}
