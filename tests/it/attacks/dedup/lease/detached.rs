//! Handlers that outlive their connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tower::ServiceExt;
use tower::timeout::Timeout;
use tower_webhook::{WebhookLayer, provider};

use crate::support_dedup::*;

/// Says so when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// A server whose handler reports its start, waits for the gate and reports
/// its end; and which reports every response future that is dropped.
struct Server {
    address: SocketAddr,
    layer: WebhookLayer,
    receiver: Receiver,
    gate: Arc<Semaphore>,
    started: mpsc::UnboundedReceiver<()>,
    ended: mpsc::UnboundedReceiver<()>,
    dropped: mpsc::UnboundedReceiver<()>,
}

impl Server {
    async fn start() -> Self {
        let receiver = Receiver::new(provider::github());
        let gate = Arc::new(Semaphore::new(0));
        let (start, started) = mpsc::unbounded_channel();
        let (end, ended) = mpsc::unbounded_channel();
        let (drop, dropped) = mpsc::unbounded_channel();
        let inside = Arc::clone(&gate);
        let handler = move || async move {
            start.send(()).unwrap();
            inside.acquire().await.unwrap().forget();
            end.send(()).unwrap();
            "done"
        };
        let layer = receiver.layer.clone();
        let app: Router = Router::new().route(
            "/hook",
            post(handler).layer(layer.clone()).layer(from_fn(
                move |request: Request, next: Next| {
                    let dropped = Dropped(drop.clone());
                    async move {
                        let response = next.run(request).await;
                        std::mem::drop(dropped);
                        response
                    }
                },
            )),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            layer,
            receiver,
            gate,
            started,
            ended,
            dropped,
        }
    }

    fn delivery(&self) -> Vec<u8> {
        let request = self.receiver.signer().with_event_id("evt_1");
        raw_with(&request.sign("/hook", "{}"), &[])
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn send(&self) -> String {
        let mut stream = self.connect().await;
        stream.write_all(&self.delivery()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn c6_a_handler_outlives_a_client_that_disconnects() {
    let mut server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(&server.delivery()).await.unwrap();
    server.started.recv().await.unwrap();
    drop(stream);
    server.dropped.recv().await.unwrap();
    assert_eq!(server.layer.handlers().running(), 1);
    assert!(server.send().await.starts_with("HTTP/1.1 503 "));

    server.gate.add_permits(1);
    server.ended.recv().await.unwrap();
    server.layer.handlers().finished().await;
    let answer = server.send().await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    assert!(server.started.is_empty(), "called once");
    server.receiver.assert_rows(2);
}

#[tokio::test]
async fn c6_a_handler_outlives_a_client_that_closes_its_half() {
    let mut server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(&server.delivery()).await.unwrap();
    stream.shutdown().await.unwrap();
    server.started.recv().await.unwrap();
    server.dropped.recv().await.unwrap();

    server.gate.add_permits(1);
    server.ended.recv().await.unwrap();
    server.layer.handlers().finished().await;
    assert!(server.send().await.starts_with("HTTP/1.1 200 "));
    assert!(server.started.is_empty(), "called once");
    server.receiver.assert_rows(2);
}

fn slow(seconds: u64) -> Receiver {
    Receiver::with_handler(provider::github(), move |_, _| async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        StatusCode::OK
    })
}

#[tokio::test(start_paused = true)]
async fn c26_a_timeout_outside_does_not_stop_the_handler() {
    let receiver = slow(120);
    let delivery = || receiver.delivery_with("evt_1", "{}");
    let service = Timeout::new(receiver.service.clone(), Duration::from_secs(5));
    let error = service.oneshot(delivery()).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>());

    // The lease is renewed for it all the same.
    for _ in 0..3 {
        tokio::time::sleep(LEASE).await;
        receiver.send(delivery()).await.assert_busy();
    }
    receiver.finished().await;
    receiver
        .send(delivery())
        .await
        .assert_duplicate_of_attempt(1);
    receiver.assert_calls(1);
}

/// Dropped while it waits for the store, before anything ran.
#[tokio::test(start_paused = true)]
async fn c26_a_claim_that_lost_its_connection_runs_to_its_end() {
    let receiver = slow(1);
    receiver.store.break_next(Op::Claim, Fault::Hangs, 1);
    let task = receiver.start(receiver.delivery_with("evt_1", "{}")).await;
    receiver.assert_calls(0);
    task.abort();
    receiver.finished().await;
    let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
    assert_eq!(answer.status, 200);
    receiver.assert_calls(1);
}

#[tokio::test(start_paused = true)]
async fn c27_a_shutdown_waits_for_the_handlers() {
    let receiver = slow(20);
    let handlers = receiver.layer.handlers();
    assert_eq!(handlers.running(), 0);
    let mut lost = Vec::new();
    for event in 0..10 {
        let id = format!("evt_{event}");
        let task = receiver.start(receiver.delivery_with(&id, &id)).await;
        task.abort();
        lost.push(task);
    }
    for task in lost {
        assert!(task.await.unwrap_err().is_cancelled());
    }
    receiver.assert_calls(10);
    assert_eq!(handlers.running(), 10);

    let finished = tokio::spawn({
        let handlers = handlers.clone();
        async move { handlers.finished().await }
    });
    tokio::time::sleep(Duration::from_secs(19)).await;
    assert!(!finished.is_finished());
    finished.await.unwrap();
    assert_eq!(handlers.running(), 0);
    // A later wait works as well, and every event is done.
    handlers.finished().await;
    for event in 0..10 {
        let id = format!("evt_{event}");
        let answer = receiver.send(receiver.delivery_with(&id, &id)).await;
        answer.assert_duplicate();
    }
    receiver.assert_calls(10);
    receiver.assert_rows(20);
}
