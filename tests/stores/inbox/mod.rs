//! Sinks and workers on real servers.

mod postgres;
mod redis;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use sqlx::{AssertSqlSafe, PgPool, Row};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::{Layer, ServiceExt};
use tower_webhook::inbox::{Inbox, PostgresInbox, Put, Sink};
use tower_webhook::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::{Rejection, RejectionKind, Timestamp, Verifier, WebhookLayer};

use crate::servers::Postgres;

const SECRET: &str = "secret-secret-secret";
const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// Signs a timestamp and not the id, as Linear and Asana do.
fn timed() -> Scheme {
    untimed()
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_timestamp(TimestampRule::seconds(Source::header("x-acme-time")))
}

/// Signs neither, as GitHub does.
fn untimed() -> Scheme {
    Scheme::hmac("acme", Hash::Sha256)
        .with_signature(Source::header("x-acme-signature"), Grammar::Plain)
        .with_event_id([Source::header("x-acme-id")])
        .with_event_type([Source::header("x-acme-type")])
        .with_retry_horizon(Duration::from_secs(3600))
}

/// One delivery of an event.
#[derive(Clone)]
struct Sent {
    scheme: fn() -> Scheme,
    id: String,
    body: Bytes,
    at: Timestamp,
}

impl Sent {
    fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            scheme: timed,
            body: format!("body of {id}").into(),
            id,
            at: NOW,
        }
    }

    /// Whose bytes nobody has sent before.
    fn random() -> Self {
        Self::new(random())
    }

    fn under(&self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self.clone()
        }
    }

    /// The same event, signed anew.
    fn later(&self) -> Self {
        Self {
            at: self.at.saturating_add(Duration::from_secs(5)),
            ..self.clone()
        }
    }

    fn request(&self) -> Request<Bytes> {
        let signer = Signer::new((self.scheme)(), SECRET).unwrap();
        let signer = signer.at(self.at).with_event_id(&self.id);
        let mut request = signer.sign("/hook", self.body.clone());
        for (name, value) in [
            ("content-type", "application/octet-stream"),
            ("x-acme-type", "paid"),
            ("cookie", "session=1"),
        ] {
            let value = HeaderValue::from_static(value);
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
        }
        let name = HeaderName::from_static("x-chosen");
        let value = HeaderValue::from_bytes(b"\xe9t\xe9").unwrap();
        request.headers_mut().insert(name, value);
        request
    }
}

fn random() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(Instant::now()))
}

/// Delivers through the whole route, with `timeout` for the sink.
async fn deliver_within(sink: &Arc<dyn Sink>, sent: &Sent, timeout: Duration) -> Response {
    let inbox = Inbox::new(Arc::clone(sink))
        .with_timeout(timeout)
        .and_then(|inbox| inbox.with_header("x-chosen"))
        .unwrap();
    let verifier = Verifier::new((sent.scheme)(), SECRET).unwrap();
    let layer = WebhookLayer::new(verifier)
        .with_clock(Arc::new(ManualClock::new(NOW)))
        .without_dedup();
    let app = Router::new().route_service("/hook", layer.layer(inbox));
    let request = sent.request().map(Body::from);
    app.oneshot(request).await.unwrap()
}

async fn deliver(sink: &Arc<dyn Sink>, sent: &Sent) -> Response {
    deliver_within(sink, sent, Duration::from_secs(60)).await
}

/// Captured before it was stored, and sent under the id of another event that is:
/// it is stored all the same when its sender tries again.
async fn assert_no_event_is_lost_under_the_id_of_another(sink: &Arc<dyn Sink>) {
    let sent = || Sent {
        scheme: untimed,
        ..Sent::random()
    };
    let (other, payment) = (sent(), sent());
    assert_put(&deliver(sink, &other).await, Put::Stored);
    let captured = payment.under(&other.id);
    assert_put(&deliver(sink, &captured).await, Put::AlreadyStored);
    assert_put(&deliver(sink, &payment).await, Put::Stored);
    for known in [&payment, &payment.under("made-up"), &other] {
        assert_put(&deliver(sink, known).await, Put::AlreadyStored);
    }
}

/// Delivers it 16 times at once. Answers how often it was stored.
async fn deliver_copies(sink: &Arc<dyn Sink>, sent: &Sent) -> usize {
    let mut copies = JoinSet::new();
    for _ in 0..16 {
        let (sink, sent) = (Arc::clone(sink), sent.clone());
        copies.spawn(async move { deliver(&sink, &sent).await });
    }
    let answers = copies.join_all().await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let puts = answers.iter().map(|answer| answer.extensions().get());
    puts.filter(|put| *put == Some(&Put::Stored)).count()
}

#[track_caller]
fn assert_put(response: &Response, put: Put) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.extensions().get(), Some(&put));
}

#[track_caller]
fn assert_unavailable(response: &Response) {
    assert_eq!(response.status(), 503);
    assert!(response.extensions().get::<Put>().is_none());
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::SinkUnavailable);
}

/// An inbox with a table of its own.
struct Table {
    name: String,
    pool: PgPool,
    inbox: PostgresInbox,
    sink: Arc<dyn Sink>,
}

impl Table {
    async fn new(server: &Postgres) -> Self {
        let pool = PgPool::connect(&server.url()).await.unwrap();
        let name = format!("inbox_{}", random());
        let inbox = PostgresInbox::new(pool.clone()).with_table(&name).unwrap();
        inbox.migrate().await.unwrap();
        Self {
            name,
            pool,
            sink: Arc::new(inbox.clone()),
            inbox,
        }
    }

    /// Runs `sql` with the table's name for each `$table`.
    async fn run(&self, sql: &str) -> u64 {
        let sql = sql.replace("$table", &self.name);
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await;
        done.unwrap().rows_affected()
    }

    /// The numbers that `sql` selects.
    async fn numbers(&self, sql: &str) -> Vec<i64> {
        let sql = sql.replace("$table", &self.name);
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await;
        rows.unwrap().iter().map(|row| row.get(0)).collect()
    }

    async fn count(&self, state: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM $table WHERE state = '{state}'");
        self.numbers(&sql).await[0]
    }

    /// Moves the times of all events back: leases, pauses and memories pass.
    async fn advance(&self, seconds: u32) {
        let sql = format!(
            "UPDATE $table SET run_after = run_after - interval '{seconds} s',
             forget_after = forget_after - interval '{seconds} s'"
        );
        self.run(&sql).await;
    }

    /// Waits until as many events are in `state`.
    async fn until(&self, state: &str, count: i64) {
        let started = Instant::now();
        while self.count(state).await != count {
            let found = self.count(state).await;
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{found} {state}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
