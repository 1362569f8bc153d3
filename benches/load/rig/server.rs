//! The server: a guarded route and a bare one, as a deployment would have them.

use std::io::BufRead;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tower::Service;
use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
use tower_webhook::dedup::{DedupLayer, Handlers};
use tower_webhook::rate_limit::{MemoryRateLimiter, Quota, RateLimitLayer};
use tower_webhook::store::MemoryStore;
use tower_webhook::{Delivery, Verifier, WebhookLayer, provider};

pub const SECRET: &str = "It's a Secret to Everybody";
pub const GUARDED: &str = "/github";
pub const BARE: &str = "/bare";

pub const MAX_BODY: usize = 64 * 1024;
pub const BODY_TIMEOUT: Duration = Duration::from_secs(2);
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(3);
/// A caller's failures in a minute.
pub const FAILURES: u32 = 60;

/// What differs from run to run.
#[derive(Clone, Copy)]
pub struct Settings {
    /// How many threads serve.
    pub workers: usize,
    /// For how long events are remembered, in seconds.
    pub ttl: u64,
    /// How many callers the limiter holds.
    pub callers: usize,
}

impl Settings {
    const VARIABLE: &str = "LOAD_SERVER";

    /// As a variable of the environment.
    pub fn variable(self) -> (&'static str, String) {
        let Self {
            workers,
            ttl,
            callers,
        } = self;
        (Self::VARIABLE, format!("{workers} {ttl} {callers}"))
    }

    /// What the process was started with, if it is to be a server.
    pub fn given() -> Option<Self> {
        let text = std::env::var(Self::VARIABLE).ok()?;
        let mut numbers = text.split(' ').map(|number| number.parse().unwrap());
        let mut next = || numbers.next().unwrap();
        Some(Self {
            workers: next(),
            ttl: next() as u64,
            callers: next(),
        })
    }
}

/// How often the handler ran for each event.
struct Runs {
    /// One more than the runs: the pages are written before the first
    /// request, so that they count in every measurement of memory or in none.
    of: Box<[AtomicU8]>,
    all: AtomicU64,
}

const EVENTS: usize = 1 << 23;

impl Runs {
    fn new() -> Self {
        Self {
            of: (0..EVENTS).map(|_| AtomicU8::new(1)).collect(),
            all: AtomicU64::new(0),
        }
    }

    fn add(&self, number: &str) {
        let number: usize = number.parse().unwrap();
        self.of[number].fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    fn events(&self, more_than: u8) -> usize {
        let is_more = |runs: &&AtomicU8| runs.load(Ordering::Relaxed) > more_than + 1;
        self.of.iter().filter(is_more).count()
    }
}

/// Events of this type take a while.
pub const SLOW: &str = "slow";

async fn guarded(State(runs): State<Arc<Runs>>, delivery: Delivery) -> &'static str {
    if delivery.event_type() == Some(SLOW) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    runs.add(delivery.event_id().unwrap().as_str());
    "processed"
}

async fn bare(State(runs): State<Arc<Runs>>, headers: HeaderMap, body: Bytes) -> &'static str {
    std::hint::black_box(body);
    runs.add(headers["x-github-delivery"].to_str().unwrap());
    "processed"
}

fn guard(settings: Settings, store: Arc<MemoryStore>) -> WebhookLayer {
    let dedup = DedupLayer::new(store)
        .with_lease(Duration::from_secs(2))
        .and_then(|dedup| dedup.with_ttl(Duration::from_secs(settings.ttl)))
        .unwrap();
    let failures = Quota::per_minute(FAILURES).unwrap();
    let callers = MemoryRateLimiter::new(failures)
        .with_max_keys(settings.callers)
        .unwrap();
    let proxies = TrustedProxies::x_forwarded_for(["127.0.0.0/8"]).unwrap();
    WebhookLayer::new(Verifier::new(provider::github(), SECRET).unwrap())
        .with_client_ip(ClientIp::behind(proxies))
        .with_caller_limit_layer(RateLimitLayer::per_caller(failures).with_memory(callers))
        .with_delivery_limit(Quota::per_second(1_000_000).unwrap())
        .with_max_body(MAX_BODY)
        .and_then(|guard| guard.with_body_timeout(BODY_TIMEOUT))
        .and_then(|guard| guard.with_dedup(dedup))
        .unwrap()
}

/// Serves until stdin ends. Says on stdout where, and answers each line on
/// stdin with what there is to count.
pub fn run(settings: Settings) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.workers)
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let runs = Arc::new(Runs::new());
            let store = Arc::new(MemoryStore::default());
            let guard = guard(settings, Arc::clone(&store));
            let handlers = guard.handlers();
            let app = Router::new()
                .route(GUARDED, post(guarded).layer(guard))
                .route(BARE, post(bare))
                .with_state(Arc::clone(&runs));
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            println!("@{}", listener.local_addr().unwrap());
            tokio::spawn(accept(listener, app));
            let ended = tokio::task::spawn_blocking(move || answer(&runs, &store, &handlers));
            ended.await.unwrap();
        });
}

fn answer(runs: &Runs, store: &MemoryStore, handlers: &Handlers) {
    for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
        println!(
            "@{} {} {} {} {}",
            runs.all.load(Ordering::Relaxed),
            runs.events(0),
            runs.events(1),
            store.len(),
            handlers.running(),
        );
    }
}

async fn accept(listener: TcpListener, app: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(serve(stream, peer, app.clone()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// As the example `hyper` does.
async fn serve(stream: TcpStream, peer: SocketAddr, app: Router) {
    let _ = stream.set_nodelay(true);
    let called = Arc::new(Notify::new());
    let notify = Arc::clone(&called);
    let service = service_fn(move |mut request: Request<Incoming>| {
        notify.notify_one();
        request.extensions_mut().insert(PeerAddr::new(peer));
        Service::call(&mut app.clone(), request.map(Body::new))
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(64)
        .max_buf_size(64 * 1024);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut connection => return,
        first = timeout(HEADER_TIMEOUT, called.notified()) => if first.is_err() {
            return;
        }
    }
    let _ = connection.await;
}
