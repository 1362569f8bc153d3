//! Who sends what. Each sends on connections of its own, the next request when
//! the one before was answered.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::client::Connection;
use super::request::{Draft, Provider};
use super::server::{MAX_BODY, SLOW};
use super::tally::{Class, Outcome, Tally};

/// What all senders of a run share.
#[derive(Clone)]
pub struct Run {
    pub server: SocketAddr,
    pub provider: Arc<Provider>,
    until: Until,
}

#[derive(Clone)]
enum Until {
    Stopped(Arc<AtomicBool>),
    /// So many rounds of each.
    Rounds(usize),
}

impl Run {
    pub fn new(server: SocketAddr) -> Self {
        Self {
            server,
            provider: Arc::new(Provider::new()),
            until: Until::Stopped(Arc::default()),
        }
    }

    pub fn for_rounds(self, rounds: usize) -> Self {
        Self {
            until: Until::Rounds(rounds),
            ..self
        }
    }

    /// The same provider, to be stopped by itself.
    pub fn again(&self) -> Self {
        Self {
            until: Until::Stopped(Arc::default()),
            ..self.clone()
        }
    }

    /// No sender begins another round.
    pub fn stop(&self) {
        if let Until::Stopped(stopped) = &self.until {
            stopped.store(true, Ordering::Relaxed);
        }
    }

    fn goes_on(&self, round: usize) -> bool {
        match &self.until {
            Until::Stopped(stopped) => !stopped.load(Ordering::Relaxed),
            Until::Rounds(rounds) => round < *rounds,
        }
    }

    fn connection(&self) -> Connection {
        Connection::to(self.server)
    }

    fn write(&self, draft: &Draft) -> Vec<u8> {
        self.provider.write(draft).whole()
    }
}

/// One sender, until its run ends.
pub type Sender = fn(Run) -> Pin<Box<dyn Future<Output = Tally> + Send>>;

/// `count` of each.
pub fn start(run: &Run, senders: &[(usize, Sender)]) -> JoinSet<Tally> {
    let mut started = JoinSet::new();
    for (count, sender) in senders {
        for _ in 0..*count {
            started.spawn(sender(run.clone()));
        }
    }
    started
}

/// What all of them sent, once they have ended.
pub async fn finish(mut senders: JoinSet<Tally>) -> Tally {
    let mut all = Tally::default();
    while let Some(tally) = senders.join_next().await {
        all.merge(tally.unwrap());
    }
    all
}

/// New events.
pub fn genuine(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let request = run.write(&run.provider.event());
            tally.add(Class::Genuine, connection.exchange(&request).await);
        }
        tally
    })
}

/// New events, each of which comes again.
pub fn repeated(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let request = run.write(&run.provider.event());
            tally.add(Class::Genuine, connection.exchange(&request).await);
            tally.add(Class::Repeated, connection.exchange(&request).await);
        }
        tally
    })
}

/// Four copies of an event at once, until all are acknowledged.
pub fn copies(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let mut tally = Tally::default();
        let mut connections: Vec<_> = (0..4).map(|_| run.connection()).collect();
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let draft = Draft {
                event: SLOW,
                ..run.provider.event()
            };
            let request = run.write(&draft);
            for connection in &mut connections {
                connection.send(&request).await;
            }
            for connection in &mut connections {
                let mut outcome = connection.answer().await;
                tally.add(Class::Copies, outcome);
                while outcome == Outcome::Refused(503) {
                    sleep(Duration::from_millis(10)).await;
                    outcome = connection.exchange(&request).await;
                    tally.add(Class::Copies, outcome);
                }
            }
        }
        tally
    })
}

/// New events in eight pieces, for a fifth of a second.
pub fn in_pieces(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let request = run.provider.write(&run.provider.event());
            connection.send(&request.head).await;
            for piece in request.body.chunks(128) {
                sleep(Duration::from_millis(25)).await;
                connection.send(piece).await;
            }
            tally.add(Class::InPieces, connection.answer().await);
        }
        tally
    })
}

/// Forged ones as fast as they are refused.
pub fn forged(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(send_forged(run, Duration::ZERO))
}

/// Twenty forged ones a second.
pub fn forged_slowly(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(send_forged(run, Duration::from_millis(50)))
}

async fn send_forged(run: Run, pause: Duration) -> Tally {
    let (mut tally, mut connection) = (Tally::default(), run.connection());
    for _ in (0..).take_while(|round| run.goes_on(*round)) {
        let request = run.write(&run.provider.forged());
        tally.add(Class::Forged, connection.exchange(&request).await);
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
    tally
}

/// Forged ones from one address.
pub fn frequent(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        let caller = run.provider.stranger();
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let draft = Draft {
                caller,
                ..run.provider.forged()
            };
            let request = run.write(&draft);
            tally.add(Class::Frequent, connection.exchange(&request).await);
        }
        tally
    })
}

/// A byte of the body every tenth of a second.
pub fn trickling(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let request = run.provider.write(&run.provider.forged());
            connection.send(&request.head).await;
            let outcome = trickle(&mut connection, &request.body).await;
            tally.add(Class::Trickling, outcome);
        }
        tally
    })
}

/// Sends until there is an answer, or for ten seconds.
async fn trickle(connection: &mut Connection, bytes: &[u8]) -> Outcome {
    for byte in bytes.iter().take(100) {
        connection.send(std::slice::from_ref(byte)).await;
        let pause = Duration::from_millis(100);
        if let Ok(outcome) = tokio::time::timeout(pause, connection.answer()).await {
            return outcome;
        }
    }
    Outcome::Silent
}

/// Half a body, and then nothing.
pub fn stalled(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let request = run.provider.write(&run.provider.forged());
            connection.send(&request.head).await;
            let half = request.body.len() / 2;
            let outcome = connection.exchange(&request.body[..half]).await;
            tally.add(Class::Stalled, outcome);
        }
        tally
    })
}

/// Half of the headers, and then nothing.
pub fn half_headers(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let request = run.provider.write(&run.provider.forged());
            let half = request.head.len() / 2;
            let outcome = connection.exchange(&request.head[..half]).await;
            tally.add(Class::HalfHeaders, outcome);
        }
        tally
    })
}

/// One byte too many, announced.
pub fn oversized(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let draft = Draft {
                body: MAX_BODY + 1,
                ..run.provider.forged()
            };
            let request = run.provider.write(&draft);
            tally.add(Class::Oversized, connection.exchange(&request.head).await);
        }
        tally
    })
}

/// One byte too many, in chunks.
pub fn oversized_chunks(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let draft = Draft {
                body: MAX_BODY + 1,
                chunked: true,
                ..run.provider.forged()
            };
            let request = run.provider.write(&draft);
            let mut bytes = request.head;
            for chunk in request.body.chunks(16 * 1024) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            let outcome = connection.exchange(&bytes).await;
            tally.add(Class::OversizedChunks, outcome);
        }
        tally
    })
}

/// Half a body, and then a reset, twenty times a second.
pub fn reset(run: Run) -> Pin<Box<dyn Future<Output = Tally> + Send>> {
    Box::pin(async move {
        let (mut tally, mut connection) = (Tally::default(), run.connection());
        for _ in (0..).take_while(|round| run.goes_on(*round)) {
            let request = run.provider.write(&run.provider.forged());
            let bytes = request.whole();
            connection.send(&bytes[..bytes.len() - 512]).await;
            sleep(Duration::from_millis(50)).await;
            connection.reset();
            tally.add(Class::Reset, Outcome::Unheard);
        }
        tally
    })
}
