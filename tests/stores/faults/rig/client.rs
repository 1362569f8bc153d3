//! A sender.

use std::io;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use http::header::{HOST, HeaderValue, RETRY_AFTER};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tower_webhook::provider;
use tower_webhook::testing::Signer;

pub const SECRET: &str = "whsec_dGhlIGtleSBvZiB0aGUgZmF1bHQgdGVzdHM=";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// In seconds.
    pub retry_after: Option<u64>,
}

impl Answer {
    pub const OK: Self = Self {
        status: 200,
        retry_after: None,
    };

    /// The sender is told to come again, and when.
    #[track_caller]
    pub fn is_refusal(self) {
        let Self {
            status,
            retry_after,
        } = self;
        assert!(status == 503 && retry_after.is_some(), "{self:?}");
    }
}

/// Delivers the event once.
pub async fn deliver(socket: &Path, event: &str) -> io::Result<Answer> {
    Connection::open(socket).await?.deliver(event).await
}

/// A connection for many deliveries, one after the other.
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    pub async fn open(socket: &Path) -> io::Result<Self> {
        let stream = TokioIo::new(UnixStream::connect(socket).await?);
        let (send, connection) = handshake(stream).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self(send))
    }

    pub async fn deliver(&mut self, event: &str) -> io::Result<Answer> {
        self.send(signed(event)).await
    }

    pub async fn send(&mut self, request: Request<Bytes>) -> io::Result<Answer> {
        self.0.ready().await.map_err(io::Error::other)?;
        let response = self.0.send_request(request.map(Full::new)).await;
        let (parts, body) = response.map_err(io::Error::other)?.into_parts();
        body.collect().await.map_err(io::Error::other)?;
        let retry_after = parts.headers.get(RETRY_AFTER);
        Ok(Answer {
            status: parts.status.as_u16(),
            retry_after: retry_after.map(|seconds| seconds.to_str().unwrap().parse().unwrap()),
        })
    }
}

/// A delivery of the event, signed now.
pub fn signed(event: &str) -> Request<Bytes> {
    let signer = Signer::new(provider::standard_webhooks(), SECRET).unwrap();
    let body = format!(r#"{{"type":"test","event":"{event}"}}"#);
    let mut request = signer.with_event_id(event).sign("/", body);
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().insert(HOST, host);
    request
}
