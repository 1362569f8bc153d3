//! The layers against a bare axum route and a check written by hand.

use std::cell::RefCell;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::routing::{MethodRouter, post};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use sha2::Sha256;
use tower::Service;
use tower_webhook::client_ip::TlsConnection;
use tower_webhook::ip_allowlist::IpAllowlist;
use tower_webhook::rate_limit::Quota;
use tower_webhook::testing::Signer;
use tower_webhook::{Verifier, VerifyLayer, WebhookLayer, provider};

use crate::turns::{Case, measure};

const SECRET: &str = "It's a Secret to Everybody";
const REQUESTS: usize = 500;

async fn handler(body: Bytes) -> StatusCode {
    std::hint::black_box(body);
    StatusCode::OK
}

/// What people write: headers and body extracted, key set up, MAC compared.
async fn by_hand(
    State(secret): State<&'static str>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Some(signature) = headers
        .get("x-hub-signature-256")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("sha256="))
        .and_then(|value| hex::decode(value).ok())
    else {
        return StatusCode::UNAUTHORIZED;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&body);
    match mac.verify_slice(&signature) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

fn verifier() -> Verifier {
    Verifier::new(provider::github(), SECRET).unwrap()
}

/// Everything on.
fn whole_stack() -> WebhookLayer {
    WebhookLayer::new(verifier())
        .with_required_https()
        .with_allowlist(IpAllowlist::new(["192.30.252.0/22", "127.0.0.1"]).unwrap())
        .with_caller_limit(Quota::per_minute(60).unwrap())
        .with_delivery_limit(Quota::per_second(1_000_000_000).unwrap())
}

/// As axum's servers do: without a state, every request lays the layers anew.
fn served(route: MethodRouter) -> Router {
    Router::new().route("/webhook", route).with_state(())
}

/// Deliveries as GitHub sends them, each with an id and a body of its own.
struct Deliveries {
    signer: Signer,
    size: usize,
    made: u64,
    built: Vec<Request<Body>>,
    next: usize,
}

impl Deliveries {
    fn new(size: usize) -> Self {
        Self {
            signer: Signer::new(provider::github(), SECRET).unwrap(),
            size,
            made: 0,
            built: Vec::new(),
            next: 0,
        }
    }

    /// Builds the requests of the next batch, unmeasured.
    fn prepare(&mut self) {
        self.built = (0..REQUESTS).map(|_| self.make()).collect();
        self.next = 0;
    }

    fn make(&mut self) -> Request<Body> {
        self.made += 1;
        let number = self.made;
        let mut body = format!(r#"{{"number":{number:08},"x":""#).into_bytes();
        body.resize(self.size - 2, b'x');
        body.extend_from_slice(b"\"}");
        let signer = self
            .signer
            .clone()
            .with_event_id(format!("72d3162e-cc78-11e3-81ab-{number:012}"));
        let mut request = signer.sign("/webhook", body).map(Body::from);
        for (name, value) in [
            ("host", "example.com"),
            ("user-agent", "GitHub-Hookshot/044aadd"),
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("x-github-event", "push"),
            ("x-github-hook-id", "292430182"),
        ] {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        let peer = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711)));
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(TlsConnection::new());
        request
    }

    fn take(&mut self) -> Request<Body> {
        self.next += 1;
        std::mem::take(&mut self.built[self.next - 1])
    }
}

pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    println!(
        "\nwhat a request costs in process (axum route, GitHub delivery, {REQUESTS} distinct events a batch)\n"
    );
    println!(
        "| body | bare route | + check by hand | + VerifyLayer | + WebhookLayer, all on | VerifyLayer ÷ by hand | WebhookLayer ÷ by hand |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    for size in [256, 1024, 16 * 1024] {
        let deliveries = RefCell::new(Deliveries::new(size));
        let verify = VerifyLayer::new(verifier());
        let by_hand = post(by_hand).with_state(SECRET);
        let mut apps = [post(handler), by_hand, post(handler).layer(verify)]
            .into_iter()
            .chain([post(handler).layer(whole_stack())])
            .map(served)
            .collect::<Vec<Router>>();
        let mut cases: Vec<Case<'_>> = apps
            .iter_mut()
            .map(|app| Case {
                prepare: Box::new(|| deliveries.borrow_mut().prepare()),
                run: Box::new(|iterations| {
                    let mut deliveries = deliveries.borrow_mut();
                    runtime.block_on(async {
                        for _ in 0..iterations {
                            let request = deliveries.take();
                            let response = Service::call(app, request).await.unwrap();
                            assert_eq!(response.status(), StatusCode::OK);
                        }
                    });
                }),
            })
            .collect();
        let times = measure(&mut cases, Some(REQUESTS as u64));
        let added = |case: usize| times.over_rounds(|time| time(case) - time(0));
        let share =
            |case: usize| times.over_rounds(|time| (time(case) - time(0)) / (time(1) - time(0)));
        println!(
            "| {size} B | {:.2} µs | +{:.2} µs | +{:.2} µs | +{:.2} µs | {:.2}× | {:.2}× |",
            times.nanos(0) / 1000.0,
            added(1) / 1000.0,
            added(2) / 1000.0,
            added(3) / 1000.0,
            share(2),
            share(3),
        );
    }

    println!("\nheap allocations for one request of 1024 B\n");
    let mut deliveries = Deliveries::new(1024);
    for (name, mut app) in [
        ("bare route", served(post(handler))),
        ("check by hand", served(post(by_hand).with_state(SECRET))),
        (
            "VerifyLayer",
            served(post(handler).layer(VerifyLayer::new(verifier()))),
        ),
        (
            "WebhookLayer, all on",
            served(post(handler).layer(whole_stack())),
        ),
    ] {
        deliveries.prepare();
        let mut counts = Vec::new();
        for _ in 0..20 {
            let request = deliveries.take();
            let info = allocation_counter::measure(|| {
                let response = runtime.block_on(Service::call(&mut app, request)).unwrap();
                assert_eq!(response.status(), StatusCode::OK);
            });
            counts.push(info.count_total);
        }
        counts.sort_unstable();
        println!("- {name}: {}", counts[counts.len() / 2]);
    }
}
