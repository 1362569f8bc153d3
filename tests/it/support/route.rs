use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::dedup::{DedupLayer, Duplicate};
use tower_webhook::keys::AsyncVerifier;
use tower_webhook::testing::ManualClock;
use tower_webhook::{Rejection, RejectionKind, VerifiedBody, WebhookLayer};

use super::store::RecordingStore;
use super::{Calls, NOW};

/// A route behind the whole [`WebhookLayer`], at [`NOW`].
pub struct Route {
    app: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
    pub calls: Calls,
    pub store: Arc<RecordingStore>,
    /// What signatures are judged by.
    pub clock: Arc<ManualClock>,
    /// What the store measures leases and lifetimes with.
    pub store_clock: Arc<ManualClock>,
}

impl Route {
    pub fn new(verifier: impl Into<AsyncVerifier>) -> Self {
        Self::with(verifier, |layer| layer)
    }

    pub fn with(
        verifier: impl Into<AsyncVerifier>,
        configure: impl FnOnce(WebhookLayer) -> WebhookLayer,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let store_clock = Arc::new(ManualClock::new(NOW));
        let store = Arc::new(RecordingStore::new(store_clock.clone()));
        let calls = Calls::default();
        let layer = WebhookLayer::new(verifier)
            .with_clock(clock.clone())
            .with_dedup(DedupLayer::new(store.clone()))
            .unwrap();
        let counted = calls.clone();
        let handler = service_fn(move |request: Request<VerifiedBody>| {
            counted.add();
            let sent = request.into_body().into_bytes();
            async move { Ok(Response::new(Body::from(sent))) }
        });
        Self {
            app: BoxCloneSyncService::new(configure(layer).layer(handler)),
            calls,
            store,
            clock,
            store_clock,
        }
    }

    pub async fn send<B: Into<Body>>(&self, request: Request<B>) -> Answer {
        let response = self.app.clone().oneshot(request.map(Into::into)).await;
        Answer::from(response.unwrap()).await
    }

    /// The request must be refused as any failed verification is: nothing
    /// tells the sender why, and nothing behind the signature was touched.
    pub async fn refuses<B: Into<Body>>(
        &self,
        request: Request<B>,
        what: impl Display,
    ) -> RejectionKind {
        let before = (self.calls.get(), self.store.claims());
        let answer = self.send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert!(answer.headers.is_empty(), "{what}: {:?}", answer.headers);
        assert!(answer.body.is_empty(), "{what}: {:?}", answer.body);
        let after = (self.calls.get(), self.store.claims());
        assert_eq!(before, after, "{what}: a handler or store was reached");
        let kind = answer.kind();
        assert!(kind.is_verification_failure(), "{what}: {kind}");
        kind
    }

    /// The request must reach the handler, with the bytes that were sent.
    pub async fn accepts(&self, request: Request<Bytes>, what: impl Display) {
        let sent = request.body().clone();
        let calls = self.calls.get();
        let answer = self.send(request).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{what}: {:?}",
            answer.rejection
        );
        assert_eq!(answer.body, sent, "{what}");
        assert_eq!(self.calls.get(), calls + 1, "{what}");
    }

    /// The request must be acknowledged as one that was processed before.
    pub async fn recognises(&self, request: Request<Bytes>, what: impl Display) {
        let calls = self.calls.get();
        let answer = self.send(request).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{what}: {:?}",
            answer.rejection
        );
        assert!(answer.duplicate.is_some(), "{what}");
        assert!(answer.body.is_empty(), "{what}");
        assert_eq!(self.calls.get(), calls, "{what}");
    }
}

/// A response, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub rejection: Option<Rejection>,
    pub duplicate: Option<Duplicate>,
}

impl Answer {
    pub async fn from(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
            rejection: parts.extensions.get::<Rejection>().cloned(),
            duplicate: parts.extensions.get::<Duplicate>().copied(),
        }
    }

    pub fn kind(&self) -> RejectionKind {
        self.rejection
            .as_ref()
            .unwrap_or_else(|| panic!("not refused: {self:?}"))
            .kind()
    }
}
