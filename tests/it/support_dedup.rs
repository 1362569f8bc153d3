//! A guarded route, and what to look at in its answers.

mod store;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_webhook::dedup::{DedupLayer, Duplicate};
use tower_webhook::signature::Scheme;
use tower_webhook::store::MemoryStore;
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::webhook::Webhook;
use tower_webhook::{Rejection, RejectionKind, Timestamp, VerifiedBody, Verifier, WebhookLayer};

pub use self::store::*;

pub const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
/// Base64 as well as plain text, so that every secret encoding takes it.
pub const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
pub const LEASE: Duration = Duration::from_secs(30);

pub type Incoming = Request<Full<Bytes>>;
pub type Handler = BoxCloneSyncService<Request<VerifiedBody>, Response<String>, BoxError>;

/// A handler that counts its calls into `calls`, from 1, and answers `done`.
pub fn handler<F, Fut>(calls: &Arc<AtomicUsize>, run: F) -> Handler
where
    F: Fn(usize, Request<VerifiedBody>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = StatusCode> + Send + 'static,
{
    let calls = Arc::clone(calls);
    BoxCloneSyncService::new(service_fn(move |request| {
        let running = run(calls.fetch_add(1, Ordering::SeqCst) + 1, request);
        async move {
            let mut response = Response::new("done".to_owned());
            *response.status_mut() = running.await;
            Ok(response)
        }
    }))
}

/// A guarded route with what is behind it.
#[derive(Clone)]
pub struct Receiver {
    pub layer: WebhookLayer,
    pub service: Webhook<Handler>,
    pub memory: Arc<MemoryStore>,
    pub store: Arc<FaultyStore>,
    pub clock: Arc<ManualClock>,
    pub calls: Arc<AtomicUsize>,
    pub scheme: Scheme,
}

impl Receiver {
    /// Whose handler succeeds.
    pub fn new(scheme: Scheme) -> Self {
        Self::with_handler(scheme, async |_, _| StatusCode::OK)
    }

    pub fn with_handler<F, Fut>(scheme: Scheme, run: F) -> Self
    where
        F: Fn(usize, Request<VerifiedBody>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = StatusCode> + Send + 'static,
    {
        let calls = Arc::default();
        let inner = handler(&calls, run);
        Self::build(scheme, MemoryStore::default(), |layer| layer, calls, inner)
    }

    pub fn build(
        scheme: Scheme,
        memory: MemoryStore,
        configure: impl FnOnce(DedupLayer) -> DedupLayer,
        calls: Arc<AtomicUsize>,
        inner: Handler,
    ) -> Self {
        let memory = Arc::new(memory);
        let store = FaultyStore::new(Arc::clone(&memory));
        let clock = Arc::new(ManualClock::new(NOW));
        let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
        let layer = WebhookLayer::new(verifier)
            .with_clock(Arc::clone(&clock) as _)
            .with_dedup(configure(DedupLayer::new(Arc::clone(&store) as _)))
            .unwrap();
        Self {
            service: layer.layer(inner),
            layer,
            memory,
            store,
            clock,
            calls,
            scheme,
        }
    }

    /// The same events behind another process with a store of its own
    /// reachability.
    pub fn other_node<F, Fut>(&self, run: F) -> Self
    where
        F: Fn(usize, Request<VerifiedBody>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = StatusCode> + Send + 'static,
    {
        let calls = Arc::default();
        let store = FaultyStore::new(Arc::clone(&self.memory));
        let layer = self.layer.clone().with_store(Arc::clone(&store) as _);
        let layer = layer.unwrap();
        Self {
            service: layer.layer(handler(&calls, run)),
            layer,
            store,
            calls,
            ..self.clone()
        }
    }

    pub fn signer(&self) -> Signer {
        use tower_webhook::Clock;
        let signer = Signer::new(self.scheme.clone(), SECRET).unwrap();
        signer.at(self.clock.now())
    }

    /// A genuine delivery, for schemes with their id in the body.
    pub fn delivery(&self, id: &str) -> Incoming {
        let body = format!(r#"{{"id":"{id}"}}"#);
        self.signer().sign("/hook", body).map(Full::new)
    }

    /// A genuine delivery with its id in a header.
    pub fn delivery_with(&self, id: &str, body: &str) -> Incoming {
        let signer = self.signer().with_event_id(id);
        let request = signer.sign("/hook", body.to_owned());
        request.map(Full::new)
    }

    pub fn send(&self, request: Incoming) -> impl Future<Output = Answer> + Send + use<> {
        let future = self.service.clone().oneshot(request);
        Answered { future }
    }

    /// Starts a delivery in a task, and waits until nothing moves any more.
    pub async fn start(&self, request: Incoming) -> tokio::task::JoinHandle<Answer> {
        let task = tokio::spawn(self.send(request));
        settle().await;
        task
    }

    #[track_caller]
    pub fn assert_calls(&self, calls: usize) {
        assert_eq!(self.calls.load(Ordering::SeqCst), calls, "calls");
    }

    #[track_caller]
    pub fn assert_rows(&self, rows: usize) {
        assert_eq!(self.memory.len(), rows, "rows");
    }

    pub async fn finished(&self) {
        self.layer.handlers().finished().await;
    }
}

pin_project_lite::pin_project! {
    /// Instead of an `async` block, in which rustc does not see that the
    /// future of a deep stack is `Send` (rust-lang/rust#102211).
    struct Answered<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future<Output = Result<Response<String>, BoxError>>> Future for Answered<F> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        self.project()
            .future
            .poll(cx)
            .map(|result| Answer::of(result.unwrap()))
    }
}

/// The request as bytes of HTTP/1.1 with further header lines, for a
/// connection of its own.
pub fn raw_with(request: &Request<Bytes>, lines: &[String]) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    for line in lines {
        text += &format!("{line}\r\n");
    }
    let length = request.body().len();
    text += "host: localhost\r\nconnection: close\r\n";
    text += &format!("content-length: {length}\r\n\r\n");
    [text.as_bytes(), request.body()].concat()
}

/// Lets every other task of a single-threaded runtime get as far as it can.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// An answer, taken apart.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub duplicate: Option<Duplicate>,
    pub kind: Option<RejectionKind>,
    pub retry_after: Option<u64>,
}

impl Answer {
    pub fn of(response: Response<String>) -> Self {
        let retry_after = response.headers().get(header::RETRY_AFTER);
        Self {
            status: response.status().as_u16(),
            duplicate: response.extensions().get().copied(),
            kind: response.extensions().get().map(Rejection::kind),
            retry_after: retry_after.map(|value| value.to_str().unwrap().parse().unwrap()),
            body: response.into_body(),
        }
    }

    /// The handler's own answer.
    #[track_caller]
    pub fn assert_handled(&self, status: u16) {
        let seen = (self.status, self.body.as_str(), self.duplicate, self.kind);
        assert_eq!(seen, (status, "done", None, None));
    }

    #[track_caller]
    pub fn assert_duplicate(&self) {
        assert_eq!((self.status, self.body.as_str()), (200, ""), "{self:?}");
        assert!(self.duplicate.is_some() && self.kind.is_none(), "{self:?}");
    }

    #[track_caller]
    pub fn assert_duplicate_of_attempt(&self, attempt: u32) {
        self.assert_duplicate();
        assert_eq!(self.duplicate.unwrap().attempt, attempt);
    }

    #[track_caller]
    pub fn assert_busy(&self) {
        self.assert_refused(503, RejectionKind::InFlight);
        assert!((1..=30).contains(&self.retry_after.unwrap()), "{self:?}");
    }

    #[track_caller]
    pub fn assert_refused(&self, status: u16, kind: RejectionKind) {
        let seen = (self.status, self.body.as_str(), self.duplicate, self.kind);
        assert_eq!(seen, (status, "", None, Some(kind)));
    }
}
