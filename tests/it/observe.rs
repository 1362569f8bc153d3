//! A guard that is observed: what it says, and that nobody behind it notices.

mod bodies;
mod outcome;
mod places;
mod reports;
mod verdicts;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_webhook::dedup::{DedupLayer, Lease};
use tower_webhook::observe::{Observation, ObserveLayer, ObservedBody};
use tower_webhook::signature::Scheme;
use tower_webhook::store::MemoryStore;
use tower_webhook::testing::ManualClock;
use tower_webhook::{Delivery, WebhookLayer};

use crate::support::{Calls, NOW, verifier};
use crate::support_dedup::FaultyStore;

/// A guard at [`NOW`], with its store.
fn guard(scheme: &Scheme) -> (WebhookLayer, Arc<FaultyStore>) {
    let store = FaultyStore::new(Arc::new(MemoryStore::default()));
    let guard = WebhookLayer::new(verifier(scheme))
        .with_clock(Arc::new(ManualClock::new(NOW)))
        .with_dedup(DedupLayer::new(store.clone()))
        .unwrap();
    (guard, store)
}

/// A route whose guard is observed.
#[derive(Clone)]
struct Live {
    app: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
    guard: WebhookLayer,
    store: Arc<FaultyStore>,
    reports: Reports,
    calls: Calls,
}

#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<Observation>>>);

impl Reports {
    /// By name, since the last call.
    fn take(&self) -> Vec<&'static str> {
        let reports = std::mem::take(&mut *self.0.lock().unwrap());
        reports.iter().map(Observation::as_str).collect()
    }

    fn observing(&self, guard: WebhookLayer) -> ObserveLayer {
        let reports = self.0.clone();
        let report = move |observation: &Observation| {
            reports.lock().unwrap().push(observation.clone());
        };
        ObserveLayer::new(guard).with_report(report)
    }
}

/// Answers with the body, or 422 if it breaks.
async fn echo(request: Request<ObservedBody<Body>>) -> Response<Body> {
    match request.into_body().collect().await {
        Ok(body) => Response::new(Body::from(body.to_bytes())),
        Err(_) => status(StatusCode::UNPROCESSABLE_ENTITY),
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

impl Live {
    fn new(scheme: &Scheme) -> Self {
        Self::with(scheme, |guard| guard, echo)
    }

    fn with<F, Fut>(
        scheme: &Scheme,
        configure: impl FnOnce(WebhookLayer) -> WebhookLayer,
        handler: F,
    ) -> Self
    where
        F: Fn(Request<ObservedBody<Body>>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let (guard, store) = guard(scheme);
        let guard = configure(guard);
        let (reports, calls) = (Reports::default(), Calls::default());
        let counted = calls.clone();
        let inner = service_fn(move |request: Request<ObservedBody<Body>>| {
            counted.add();
            assert!(request.extensions().get::<Delivery>().is_none());
            assert!(request.extensions().get::<Lease>().is_none());
            let answer = handler(request);
            async move { Ok(answer.await) }
        });
        Self {
            app: BoxCloneSyncService::new(reports.observing(guard.clone()).layer(inner)),
            guard,
            store,
            reports,
            calls,
        }
    }

    async fn send<B: Into<Body>>(&self, request: Request<B>) -> Response<Body> {
        let response = self.app.clone().oneshot(request.map(Into::into)).await;
        response.unwrap()
    }

    /// The request must be handled as if there were no guard, and this must be
    /// what is said of it.
    async fn handles(&self, request: Request<Bytes>, verdict: &str) {
        let (sent, calls) = (request.body().clone(), self.calls.get());
        let response = self.send(request).await;
        assert_eq!(self.reports.take(), [verdict]);
        assert_eq!(observed(&response), Some(verdict));
        assert_eq!(response.status(), StatusCode::OK, "{verdict}");
        assert!(response.headers().is_empty(), "{verdict}");
        assert_eq!(self.calls.get(), calls + 1, "{verdict}");
        assert_eq!(bytes(response).await, sent, "{verdict}");
    }

    /// Waits until the guard has nothing left to do.
    async fn finished(&self) {
        self.guard.handlers().finished().await;
    }
}

/// What is said in the response's extensions.
fn observed(response: &Response<Body>) -> Option<&'static str> {
    response.extensions().get().map(Observation::as_str)
}

async fn bytes(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}
