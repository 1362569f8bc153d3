//! The layer around handlers that end as they are told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::sync::oneshot;
use tower::util::BoxCloneService;
use tower::{Layer, service_fn};
use tower_webhook::VerifiedBody;
use tower_webhook::dedup::{DedupLayer, Handlers, Lease};

use crate::store::Scripted;

pub const LEASE: Duration = Duration::from_secs(3);
/// What a handler panics with.
pub const AS_TOLD: &str = "as it was told";
pub const TICK: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Success,
    Failure,
    Panic,
}

pub type Route = BoxCloneService<Request<VerifiedBody>, Response<String>, Infallible>;

pub struct Handler {
    pub by: usize,
    pub lease: Lease,
    pub told: Option<oneshot::Sender<End>>,
    pub end: Option<End>,
    /// Dropped before its end.
    pub cut: bool,
}

pub type Running = Arc<Mutex<Vec<Handler>>>;

/// The layer around handlers.
pub fn route(store: &Arc<Scripted>, running: &Running) -> (Route, Handlers) {
    let layer = DedupLayer::new(Arc::clone(store) as _);
    let layer = layer
        .with_lease(LEASE)
        .and_then(|layer| layer.with_store_timeout(TICK));
    let layer = layer.expect("a sound configuration");
    let handlers = layer.handlers();
    let running = Arc::clone(running);
    let service =
        service_fn(move |request: Request<VerifiedBody>| handle(request, Arc::clone(&running)));
    (BoxCloneService::new(layer.layer(service)), handlers)
}

async fn handle(
    request: Request<VerifiedBody>,
    running: Running,
) -> Result<Response<String>, Infallible> {
    let (tell, told) = oneshot::channel();
    let lease = request.extensions().get::<Lease>().cloned();
    let by = request.extensions().get::<usize>().copied();
    let mut cut = {
        let mut all = running.lock().expect("one thread");
        all.push(Handler {
            by: by.expect("a number"),
            lease: lease.expect("a lease"),
            told: Some(tell),
            end: None,
            cut: false,
        });
        Cut(Arc::clone(&running), Some(all.len() - 1))
    };
    let end = told.await.expect("it is told");
    if let Some(at) = cut.1.take() {
        running.lock().expect("one thread")[at].end = Some(end);
    }
    let mut response = Response::new(String::new());
    match end {
        End::Success => {}
        End::Failure => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        End::Panic => std::panic::panic_any(AS_TOLD),
    }
    Ok(response)
}

/// Notes that a handler was dropped before its end.
struct Cut(Running, Option<usize>);

impl Drop for Cut {
    fn drop(&mut self) {
        if let Some(at) = self.1 {
            self.0.lock().expect("one thread")[at].cut = true;
        }
    }
}
