//! The same bytes and keys for everybody: deliveries as the providers send them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body::{Frame, SizeHint};
use tower_webhook::client_ip::TlsConnection;
use tower_webhook::clock::{Clock, SystemClock};
use tower_webhook::provider;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::Signer;

pub const SIZES: [usize; 5] = [256, 1024, 16 << 10, 256 << 10, 1 << 20];
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// How servers hand bodies over.
const FRAME: usize = 16 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    GitHub,
    Stripe,
    StandardWebhooks,
}

impl Provider {
    pub const ALL: [Self; 3] = [Self::GitHub, Self::Stripe, Self::StandardWebhooks];

    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::Stripe => "Stripe",
            Self::StandardWebhooks => "Standard Webhooks",
        }
    }

    pub fn scheme(self) -> Scheme {
        match self {
            Self::GitHub => provider::github(),
            Self::Stripe => provider::stripe(),
            Self::StandardWebhooks => provider::standard_webhooks(),
        }
    }

    pub fn signature_header(self) -> &'static str {
        match self {
            Self::GitHub => "x-hub-signature-256",
            Self::Stripe => "stripe-signature",
            Self::StandardWebhooks => "webhook-signature",
        }
    }

    /// What the HMAC is keyed with.
    pub fn key(self) -> Vec<u8> {
        match self {
            Self::GitHub | Self::Stripe => SECRET.as_bytes().to_vec(),
            Self::StandardWebhooks => STANDARD
                .decode(SECRET.trim_start_matches("whsec_"))
                .unwrap(),
        }
    }
}

/// Signs deliveries of one size, each with a body and an event id of its own.
pub struct Deliveries {
    signer: Signer,
    provider: Provider,
    size: usize,
    made: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Genuine,
    /// One byte of the body is another than was signed.
    Forged,
    Unsigned,
}

impl Deliveries {
    pub fn new(provider: Provider, size: usize) -> Self {
        Self {
            signer: Signer::new(provider.scheme(), SECRET).unwrap(),
            provider,
            size,
            // Of another size, it is another event.
            made: size as u64 * 1_000_000,
        }
    }

    /// Other events than those of `new`.
    pub fn apart(mut self) -> Self {
        self.made += 500_000;
        self
    }

    /// An event as Stripe has them, which the others take as well.
    fn body(&self, number: u64) -> Vec<u8> {
        let head = format!(
            r#"{{"id":"evt_{number:012}","object":"event","created":1700000000,"livemode":false,"pending_webhooks":1,"type":"some.unknown.event","data":{{"object":{{"x":""#
        );
        let mut body = head.into_bytes();
        let tail = br#""}}}"#;
        body.resize(self.size - tail.len(), b'x');
        body.extend_from_slice(tail);
        body
    }

    pub fn make(&mut self, kind: Kind) -> Request<Bytes> {
        self.made += 1;
        let number = self.made;
        let signer = self.signer.clone().at(SystemClock::default().now());
        let signer = match self.provider {
            Provider::Stripe => signer,
            _ => signer.with_event_id(format!("72d3162e-cc78-11e3-81ab-{number:012}")),
        };
        let mut request = signer.sign("/webhook", self.body(number)).map(Bytes::from);
        let headers = request.headers_mut();
        for (name, value) in [
            ("host", "example.com"),
            ("user-agent", "GitHub-Hookshot/044aadd"),
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("x-github-event", "push"),
            ("x-github-hook-id", "292430182"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        match kind {
            Kind::Genuine => {}
            Kind::Forged => {
                let mut body = request.body().to_vec();
                let at = body.len() - 8;
                assert_eq!(body[at], b'x');
                body[at] = b'y';
                *request.body_mut() = body.into();
            }
            Kind::Unsigned => drop(headers.remove(self.provider.signature_header())),
        }
        let peer = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711)));
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(TlsConnection::new());
        request
    }
}

/// As a server hands it to a route.
pub fn arriving(request: Request<Bytes>) -> Request<Body> {
    request.map(|body| Body::new(Frames::of(body)))
}

/// A body that is there, in frames. Says when it ends and how long it is, as one
/// with a `Content-Length` does: tower-github-webhook never answers otherwise.
struct Frames(VecDeque<Bytes>);

impl Frames {
    fn of(mut body: Bytes) -> Self {
        let mut frames = VecDeque::new();
        while !body.is_empty() {
            frames.push_back(body.split_to(body.len().min(FRAME)));
        }
        Self(frames)
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|frame| frame.len() as u64).sum())
    }
}
