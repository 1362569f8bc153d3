//! Challenges: each answered exactly, over a real server.

mod answers;
mod capture;
mod limits;
mod property;
mod signed;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::Request;
use tower_webhook::keys::AsyncVerifier;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::ManualClock;
use tower_webhook::{Verifier, WebhookLayer};

use crate::support::net::{Server, whole};
use crate::support::{Calls, NOW, SECRET};

/// A route for `scheme` behind the whole guard, and how often its handler ran.
pub struct Endpoint {
    server: Server,
    pub calls: Calls,
}

impl Endpoint {
    pub async fn new(scheme: Scheme) -> Self {
        Self::with(Verifier::new(scheme, SECRET).unwrap(), |layer| layer).await
    }

    pub async fn with(
        verifier: impl Into<AsyncVerifier>,
        configure: impl FnOnce(WebhookLayer) -> WebhookLayer,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let layer = configure(WebhookLayer::new(verifier).with_clock(clock));
        let calls = Calls::default();
        let counted = calls.clone();
        let handler = any(move |_: Bytes| {
            counted.add();
            async { "handled" }
        });
        let app = Router::new().route("/hook", handler.layer(layer));
        Self {
            server: Server::start(app).await,
            calls,
        }
    }

    pub async fn ask(&self, request: &Request<Bytes>) -> Reply {
        Reply::parse(&self.server.exchange(whole(request)).await)
    }

    pub async fn get(&self, target: &str) -> Reply {
        self.ask(&request("GET", target, &[], "")).await
    }
}

pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::from(body.to_owned())).unwrap()
}

/// A response, as it came over the wire.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Without `date` and `content-length`, in alphabetical order.
    pub headers: Vec<String>,
    pub body: String,
}

impl Reply {
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect(text);
        let mut lines = head.lines();
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let mut headers: Vec<String> = lines
            .filter(|line| !line.starts_with("date:") && !line.starts_with("content-length:"))
            .map(ToOwned::to_owned)
            .collect();
        headers.sort_unstable();
        Self {
            status,
            headers,
            body: body.to_owned(),
        }
    }

    fn answered(status: u16, kind: &str, more: &[&str], body: &str) -> Self {
        let kind = format!("content-type: {kind}");
        let mut headers = vec![kind, "x-content-type-options: nosniff".to_owned()];
        headers.extend(more.iter().map(ToString::to_string));
        headers.sort_unstable();
        Self {
            status,
            headers,
            body: body.to_owned(),
        }
    }

    pub fn text(body: &str) -> Self {
        Self::answered(200, "text/plain; charset=utf-8", &[], body)
    }

    pub fn json(body: &str) -> Self {
        Self::answered(200, "application/json", &[], body)
    }

    /// An empty answer with these headers.
    pub fn empty(status: u16, headers: &[&str]) -> Self {
        Self::answered(status, "text/plain; charset=utf-8", headers, "")
    }

    pub fn refused(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub fn not_allowed(methods: &str) -> Self {
        Self {
            status: 405,
            headers: vec![format!("allow: {methods}")],
            body: String::new(),
        }
    }
}
