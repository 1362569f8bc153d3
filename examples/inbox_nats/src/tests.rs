//! Against a private nats-server (Debian: `apt-get install nats-server`).

use std::fs;
use std::process::{Child, Command, Stdio};

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use tempfile::TempDir;
use tower::ServiceExt;
use tower_webhook::testing::Signer;

use super::*;

const SECRET: &str = "whsec_test";

struct Server {
    process: Child,
    dir: TempDir,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let process = Command::new("nats-server")
            .args(["-js", "-a", "127.0.0.1", "-p", "-1", "-sd"])
            .arg(dir.path())
            .arg("--ports_file_dir")
            .arg(dir.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server on the path");
        Self { process, dir }
    }

    /// It chooses its port, and writes it to a file when it listens.
    async fn url(&self) -> String {
        let name = format!("nats-server_{}.ports", self.process.id());
        loop {
            let ports = fs::read_to_string(self.dir.path().join(&name)).unwrap_or_default();
            if let Some(url) = ports.split('"').find(|part| part.starts_with("nats://")) {
                return url.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn deliver(app: &Router, body: &'static str) -> (StatusCode, Option<Put>) {
    let signer = Signer::new(provider::stripe(), SECRET).unwrap();
    let request = signer.sign("/stripe", Bytes::from(body)).map(Body::from);
    let response = app.clone().oneshot(request).await.unwrap();
    (response.status(), response.extensions().get().copied())
}

#[tokio::test]
async fn an_event_is_acknowledged_once_jetstream_has_it() {
    let mut server = Server::start();
    let client = async_nats::connect(server.url().await).await.unwrap();
    let jetstream = jetstream::new(client);
    make_stream(&jetstream).await.unwrap();
    let inbox = Inbox::new(Arc::new(sink(jetstream.clone())));
    let inbox = inbox.with_timeout(Duration::from_millis(1500)).unwrap();
    let app = app(SECRET, inbox).unwrap();
    let (first, second) = (r#"{"id":"evt_1"}"#, r#"{"id":"evt_2"}"#);

    assert_eq!(
        deliver(&app, first).await,
        (StatusCode::OK, Some(Put::Stored))
    );
    assert_eq!(
        deliver(&app, first).await,
        (StatusCode::OK, Some(Put::AlreadyStored))
    );
    let stream = jetstream.get_stream("webhooks").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 1);
    let stored = stream.get_raw_message(1).await.unwrap();
    assert_eq!(stored.payload, first.as_bytes());

    server.stop();
    assert_eq!(
        deliver(&app, second).await,
        (StatusCode::SERVICE_UNAVAILABLE, None)
    );
}
