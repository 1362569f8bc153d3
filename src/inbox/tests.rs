use std::collections::HashSet;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tower::{Layer, Service, ServiceExt};

use super::*;
use crate::delivery::Tenant;
use crate::signature::{Grammar, Hash, Scheme, Source};
use crate::store::DedupKey;
use crate::testing::{ManualClock, Signer};
use crate::{
    ConfigError, Rejection, RejectionKind, Timestamp, VerifiedBody, Verifier, WebhookLayer,
    provider,
};

const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// What a sink was given, and which keys it knows.
#[derive(Clone, Default)]
struct Memory {
    events: Arc<Mutex<Vec<InboxEvent>>>,
    keys: Arc<Mutex<HashSet<DedupKey>>>,
}

impl Memory {
    fn put(&self, event: InboxEvent) -> Put {
        let mut keys = self.keys.lock().unwrap();
        let known = event.replay_key().is_some_and(|key| !keys.insert(*key));
        if known || !keys.insert(*event.key()) {
            return Put::AlreadyStored;
        }
        self.events.lock().unwrap().push(event);
        Put::Stored
    }

    fn sink(&self) -> Arc<dyn Sink> {
        let memory = self.clone();
        Arc::new(sink_fn(move |event| {
            let memory = memory.clone();
            async move { Ok::<_, io::Error>(memory.put(event)) }
        }))
    }

    fn events(&self) -> Vec<InboxEvent> {
        self.events.lock().unwrap().clone()
    }
}

async fn send(
    scheme: &Scheme,
    inbox: Inbox,
    request: Request<Bytes>,
) -> Result<Response<String>, Infallible> {
    let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
    let layer = WebhookLayer::new(verifier)
        .with_clock(Arc::new(ManualClock::new(NOW)))
        .without_dedup();
    layer.layer(inbox).oneshot(request.map(Full::new)).await
}

fn sign(scheme: &Scheme, id: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let signer = Signer::new(scheme.clone(), SECRET).unwrap();
    signer.at(NOW).with_event_id(id).sign("/hook", body)
}

fn verified(scheme: Scheme) -> Request<VerifiedBody> {
    let request = Request::post("/").body(Bytes::from_static(b"{}")).unwrap();
    VerifiedBody::assume_verified(scheme, request).unwrap()
}

fn refusal(response: &Response<String>) -> (u16, RejectionKind) {
    let rejection = response.extensions().get::<Rejection>().unwrap();
    (response.status().as_u16(), rejection.kind())
}

#[tokio::test]
async fn an_event_is_stored_as_it_was_sent() {
    let (memory, github) = (Memory::default(), provider::github());
    let clock = Arc::new(ManualClock::new(NOW));
    let inbox = Inbox::new(memory.sink())
        .with_clock(clock)
        .with_endpoint("repos");
    let body = Bytes::from_static(b"\xff\xfe not { \"text\": 1.0 }\n");
    let mut request = sign(&github, "72d3162e", body.clone());
    let event_type = HeaderValue::from_static("push");
    request.headers_mut().insert("x-github-event", event_type);
    request.extensions_mut().insert(Tenant::new("acme"));

    let response = send(&github, inbox, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.extensions().get(), Some(&Put::Stored));
    let [event] = memory.events().try_into().unwrap();
    assert_eq!(event.body(), &body);
    assert_eq!((event.provider(), event.endpoint()), ("github", "repos"));
    assert_eq!(event.event_id().unwrap().as_str(), "72d3162e");
    assert_eq!(event.event_type(), Some("push"));
    assert_eq!(event.tenant().unwrap().as_str(), "acme");
    assert_eq!(event.received_at(), NOW);
    assert_eq!(event.remember_for(), github.retry_horizon());
    let shown = format!("{event:?}");
    assert!(
        !shown.contains("72d3162e") && !shown.contains("acme"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_repetition_is_acknowledged_and_not_stored() {
    let (memory, stripe) = (Memory::default(), provider::stripe());
    let inbox = Inbox::new(memory.sink());
    for put in [Put::Stored, Put::AlreadyStored] {
        let request = sign(&stripe, "", r#"{"id":"evt_1"}"#);
        let response = send(&stripe, inbox.clone(), request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.extensions().get(), Some(&put));
    }
    assert_eq!(memory.events().len(), 1);
}

#[tokio::test]
async fn a_replay_under_another_id_is_known() {
    let (memory, github) = (Memory::default(), provider::github());
    let inbox = Inbox::new(memory.sink());
    for (id, put) in [("72d3162e", Put::Stored), ("made-up", Put::AlreadyStored)] {
        let request = sign(&github, id, "{}");
        let response = send(&github, inbox.clone(), request).await.unwrap();
        assert_eq!(response.extensions().get(), Some(&put), "{id}");
    }
}

/// The answer waits for the sink, and for nothing less.
#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_stored() {
    let gate = Arc::new(Semaphore::new(0));
    let sink = {
        let gate = Arc::clone(&gate);
        sink_fn(move |_| {
            let gate = Arc::clone(&gate);
            async move { gate.acquire_owned().await.map(|_| Put::Stored) }
        })
    };
    let mut inbox = Inbox::new(Arc::new(sink));
    let mut answer = inbox.call(verified(provider::github().with_event_id([])));
    let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut answer).poll(cx))).await;
    assert!(first.is_pending());
    gate.add_permits(1);
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_the_sink_does_not_take_is_not_acknowledged() {
    let failing = sink_fn(async |_| Err::<Put, _>(io::Error::other("secret of the cause")));
    let hanging = sink_fn(async |_| std::future::pending::<Result<Put, io::Error>>().await);
    let panicking = sink_fn(async |event: InboxEvent| {
        assert!(event.body().is_empty(), "a bug");
        Ok::<_, io::Error>(Put::Stored)
    });
    let stripe = provider::stripe();
    let sinks: [Arc<dyn Sink>; 3] = [Arc::new(failing), Arc::new(hanging), Arc::new(panicking)];
    for sink in sinks {
        let started = tokio::time::Instant::now();
        let request = sign(&stripe, "", r#"{"id":"evt_1"}"#);
        let response = send(&stripe, Inbox::new(sink), request).await.unwrap();
        assert_eq!(refusal(&response), (503, RejectionKind::SinkUnavailable));
        assert_eq!(response.headers()[header::RETRY_AFTER], "10");
        assert!(response.body().is_empty());
        // Slack gives up after three seconds.
        assert!(started.elapsed() <= Duration::from_secs(2));
    }
}

#[tokio::test]
async fn c6_an_event_is_stored_although_the_client_went_away() {
    let (memory, gate) = (Memory::default(), Arc::new(Semaphore::new(0)));
    let sink = {
        let (memory, gate) = (memory.clone(), Arc::clone(&gate));
        sink_fn(move |event| {
            let (memory, gate) = (memory.clone(), Arc::clone(&gate));
            async move { gate.acquire_owned().await.map(|_| memory.put(event)) }
        })
    };
    let mut inbox = Inbox::new(Arc::new(sink));
    let mut answer = inbox.call(verified(provider::github().with_event_id([])));
    let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut answer).poll(cx))).await;
    assert!(first.is_pending());
    drop(answer);
    assert_eq!(inbox.puts().running(), 1);
    gate.add_permits(1);
    inbox.puts().finished().await;
    assert_eq!(memory.events().len(), 1);
}

#[tokio::test]
async fn no_proof_of_the_sender_is_stored() {
    // Behind its names nobody would expect a proof.
    let scheme = Scheme::hmac("acme", Hash::Sha256)
        .with_signature(Source::header("x-acme-seal"), Grammar::Plain)
        .with_event_id([Source::header("x-acme-id")]);
    let memory = Memory::default();
    let inbox = Inbox::new(memory.sink())
        .with_header("x-acme-seal")
        .and_then(|inbox| inbox.with_header("X-Request-Id"))
        .unwrap();
    let mut request = sign(&scheme, "evt_1", "{}");
    for name in [
        "authorization",
        "cookie",
        "x-other",
        "x-request-id",
        "content-type",
    ] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static("v"));
    }
    send(&scheme, inbox, request).await.unwrap();
    let [event] = memory.events().try_into().unwrap();
    let mut names: Vec<_> = event.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "x-acme-id", "x-request-id"]);
}

#[test]
fn headers_with_secrets_cannot_be_chosen() {
    let inbox = || Inbox::new(Memory::default().sink());
    for name in [
        "Authorization",
        "cookie",
        "x-gitlab-token",
        "stripe-signature",
        "x-api-key",
    ] {
        let error = inbox().with_header(name).unwrap_err();
        assert!(matches!(error, ConfigError::SecretHeader { .. }), "{name}");
    }
    let error = inbox().with_header("not a name").unwrap_err();
    assert!(matches!(error, ConfigError::InvalidHeaderName { .. }));
    assert!(inbox().with_timeout(Duration::ZERO).is_err());
}

#[tokio::test]
async fn an_id_that_cannot_be_used_is_refused() {
    let (memory, github) = (Memory::default(), provider::github());
    let long = "x".repeat(256);
    for (id, kind) in [
        (None, RejectionKind::MissingEventId),
        (Some(&*long), RejectionKind::InvalidEventId),
    ] {
        let mut request = sign(&github, id.unwrap_or("-"), "{}");
        if id.is_none() {
            request.headers_mut().remove("x-github-delivery");
        }
        let response = send(&github, Inbox::new(memory.sink()), request).await;
        assert_eq!(refusal(&response.unwrap()), (400, kind));
    }
    assert!(memory.events().is_empty());
}

/// Nothing tells two of them apart, so each is stored.
#[tokio::test]
async fn an_event_without_identity_is_stored_each_time() {
    let (memory, dropbox) = (Memory::default(), provider::dropbox());
    let body = r#"{"list_folder":{"accounts":["dbid:A"]}}"#;
    for _ in 0..2 {
        let request = sign(&dropbox, "", body);
        let response = send(&dropbox, Inbox::new(memory.sink()), request).await;
        assert_eq!(response.unwrap().extensions().get(), Some(&Put::Stored));
    }
    assert_eq!(memory.events().len(), 2);
}

#[tokio::test]
async fn challenges_are_answered_and_not_stored() {
    let (memory, slack) = (Memory::default(), provider::slack());
    let body = r#"{"type":"url_verification","token":"t","challenge":"3eZbrw1a"}"#;
    let request = sign(&slack, "", body);
    let response = send(&slack, Inbox::new(memory.sink()), request).await;
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.body().contains("3eZbrw1a"), "{}", response.body());
    assert!(memory.events().is_empty());
}

#[tokio::test]
async fn a_forged_event_is_not_stored() {
    let (memory, stripe) = (Memory::default(), provider::stripe());
    let mut request = sign(&stripe, "", r#"{"id":"evt_1"}"#);
    *request.body_mut() = Bytes::from_static(br#"{"id":"evt_2"}"#);
    let response = send(&stripe, Inbox::new(memory.sink()), request).await;
    let refused = refusal(&response.unwrap());
    assert_eq!(refused, (401, RejectionKind::SignatureMismatch));
    assert!(memory.events().is_empty());
}

#[test]
fn every_byte_of_a_header_survives() {
    let mut headers = HeaderMap::new();
    let bytes: Vec<u8> = (0x20..=0xff).filter(|byte| *byte != 0x7f).collect();
    headers.insert("x-bytes", HeaderValue::from_bytes(&bytes).unwrap());
    headers.append("x-many", HeaderValue::from_static("one"));
    headers.append("x-many", HeaderValue::from_static("two"));
    assert_eq!(json::from_json(&json::to_json(&headers)), headers);
    assert_eq!(json::from_json("not JSON"), HeaderMap::new());
    assert_eq!(
        json::from_json(r#"{"a b":["x"],"c":["\u0100"]}"#),
        HeaderMap::new()
    );
}

#[test]
fn an_inbox_can_be_named_and_shared() {
    fn assert<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    assert(&Inbox::new(Memory::default().sink()));
}
