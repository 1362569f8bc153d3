//! Requests that are due at fixed times, whatever became of those before.
//!
//! Latency counts from when a request was due, so that one that had to wait
//! because the server was late is late itself (no coordinated omission).

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::rig::client::Connection;
use crate::rig::request::Draft;
use crate::rig::senders::Run;
use crate::rig::tally::{Class, Tally};

const CONNECTIONS: usize = 16;

/// What became of one route's requests.
#[derive(Default)]
pub struct Sent {
    /// Sorted.
    pub latencies: Vec<Duration>,
    pub tally: Tally,
}

impl Sent {
    /// In microseconds, of so many of a thousand.
    pub fn permille(&self, permille: usize) -> f64 {
        let at = (self.latencies.len() * permille / 1000).min(self.latencies.len() - 1);
        self.latencies[at].as_secs_f64() * 1e6
    }

    pub fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self.tally.merge(other.tally);
    }
}

/// Sends new events to each of `routes`, in turns, `rate` a second to each.
pub async fn send(run: &Run, routes: &[&'static str], rate: u32, seconds: u32) -> Vec<Sent> {
    let mut queues = Vec::new();
    let mut senders = Vec::new();
    for route in routes {
        let (queue, due) = unbounded_channel();
        queues.push(queue);
        senders.push(connections(run, route, due).await);
    }
    let total = rate * seconds * routes.len() as u32;
    let interval = Duration::from_secs(1) / (rate * routes.len() as u32);
    let clock = std::thread::spawn(move || announce(&queues, total, interval));

    let mut all = Vec::new();
    for mut senders in senders {
        let mut sent = Sent::default();
        while let Some(of_one) = senders.join_next().await {
            sent.merge(of_one.unwrap());
        }
        all.push(sent);
    }
    clock.join().unwrap();
    all
}

/// A thread of its own: the runtime's timers know milliseconds only.
fn announce(queues: &[UnboundedSender<Instant>], total: u32, interval: Duration) {
    let began = Instant::now();
    for (number, queue) in (0..total).zip(queues.iter().cycle()) {
        let due = began + interval * number;
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(early.saturating_sub(Duration::from_micros(80)));
        }
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        queue.send(due).unwrap();
    }
}

async fn connections(
    run: &Run,
    route: &'static str,
    due: UnboundedReceiver<Instant>,
) -> JoinSet<Sent> {
    let due = Arc::new(Mutex::new(due));
    let mut senders = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::to(run.server);
        // Opened before anything is due.
        let mut warm = Sent::default();
        send_one(run, route, &mut connection, &mut warm.tally).await;
        let (run, due) = (run.clone(), Arc::clone(&due));
        senders.spawn(async move {
            let mut sent = warm;
            loop {
                let Some(due) = due.lock().await.recv().await else {
                    return sent;
                };
                send_one(&run, route, &mut connection, &mut sent.tally).await;
                sent.latencies.push(due.elapsed());
            }
        });
    }
    senders
}

async fn send_one(run: &Run, route: &'static str, connection: &mut Connection, tally: &mut Tally) {
    let draft = Draft {
        route,
        ..run.provider.event()
    };
    let request = run.provider.write(&draft).whole();
    tally.add(Class::Genuine, connection.exchange(&request).await);
}
