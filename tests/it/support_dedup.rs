//! A receiver of one event, a store that fails on demand, and what to look at
//! in an answer.

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_webhook::dedup::{DedupLayer, Duplicate};
use tower_webhook::signature::Scheme;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, MemoryStore, Owner, Released,
    Renewed, StoreError, StoreFuture,
};
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::webhook::Webhook;
use tower_webhook::{Rejection, RejectionKind, Timestamp, VerifiedBody, Verifier, WebhookLayer};

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
        self.layer.handlers().unwrap().finished().await;
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Claim,
    Renew,
    Complete,
    Release,
    Forget,
}

/// What goes wrong with a step.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The store does not take the step.
    Fails,
    /// The store takes the step, and its answer is lost.
    LosesReply,
    /// The store does not take the step and never answers.
    Hangs,
    /// The store takes the step after so long.
    Slow(Duration),
    /// The store panics.
    Panics,
}

/// A store whose steps go wrong on demand.
pub struct FaultyStore {
    inner: Arc<MemoryStore>,
    faults: Mutex<HashMap<Op, Vec<Option<Fault>>>>,
    asked: Mutex<Vec<Op>>,
}

impl FaultyStore {
    pub fn new(inner: Arc<MemoryStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            faults: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    /// The next steps of this kind go wrong so, and work where it says `None`.
    pub fn plan(&self, op: Op, faults: impl IntoIterator<Item = Option<Fault>>) {
        let mut faults: Vec<_> = faults.into_iter().collect();
        faults.reverse();
        self.faults.lock().unwrap().insert(op, faults);
    }

    /// The next `count` steps of this kind go wrong.
    pub fn break_next(&self, op: Op, fault: Fault, count: usize) {
        self.plan(op, std::iter::repeat_n(Some(fault), count));
    }

    pub fn break_all(&self, fault: Fault) {
        for op in [Op::Claim, Op::Renew, Op::Complete, Op::Release, Op::Forget] {
            self.break_next(op, fault, 1000);
        }
    }

    pub fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// How many steps of this kind were asked for.
    pub fn asked(&self, op: Op) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| **asked == op).count()
    }

    async fn step<T>(
        &self,
        op: Op,
        step: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.asked.lock().unwrap().push(op);
        let fault = self.faults.lock().unwrap().get_mut(&op).and_then(Vec::pop);
        match fault.flatten() {
            None => step.await,
            Some(Fault::Fails) => Err(StoreError::unavailable("down")),
            Some(Fault::LosesReply) => {
                step.await?;
                Err(StoreError::unavailable("timed out"))
            }
            Some(Fault::Hangs) => pending().await,
            Some(Fault::Slow(by)) => {
                tokio::time::sleep(by).await;
                step.await
            }
            Some(Fault::Panics) => panic!("the store's bug"),
        }
    }
}

impl DedupStore for FaultyStore {
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(self.step(Op::Claim, self.inner.claim(claim)))
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(self.step(Op::Renew, self.inner.renew(key, owner, lease, ttl)))
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(self.step(Op::Complete, self.inner.complete(key, owner, completion)))
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(self.step(Op::Release, self.inner.release(key, owner)))
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(self.step(Op::Forget, self.inner.forget(key)))
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").finish_non_exhaustive()
    }
}
