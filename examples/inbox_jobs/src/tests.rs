//! Against a private PostgreSQL (Debian: `apt-get install postgresql`).

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use tower::ServiceExt;
use tower_webhook::testing::Signer;

use super::servers::Postgres;
use super::*;

const SECRET: &str = "whsec_test";

async fn deliver(app: &Router, body: &'static str) -> (StatusCode, Option<Put>) {
    let signer = Signer::new(provider::stripe(), SECRET).unwrap();
    let request = signer.sign("/stripe", Bytes::from(body)).map(Body::from);
    let response = app.clone().oneshot(request).await.unwrap();
    (response.status(), response.extensions().get().copied())
}

async fn jobs(pool: &PgPool) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM graphile_worker.jobs");
    count.fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn an_event_is_acknowledged_once_its_job_is_there() {
    let mut server = Postgres::start();
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let worker = worker(&pool).await.unwrap();
    let inbox = Inbox::new(Arc::new(sink(pool.clone())));
    let inbox = inbox.with_timeout(Duration::from_millis(1500)).unwrap();
    let app = app(SECRET, inbox).unwrap();
    let (first, second) = (r#"{"id":"evt_1"}"#, r#"{"id":"evt_2"}"#);

    assert_eq!(
        deliver(&app, first).await,
        (StatusCode::OK, Some(Put::Stored))
    );
    assert_eq!(jobs(&pool).await, 1);
    assert_eq!(
        deliver(&app, first).await,
        (StatusCode::OK, Some(Put::AlreadyStored))
    );
    assert_eq!(jobs(&pool).await, 1);
    worker.run_once().await.unwrap();
    assert_eq!(jobs(&pool).await, 0);
    // It is known although its job is gone.
    assert_eq!(
        deliver(&app, first).await,
        (StatusCode::OK, Some(Put::AlreadyStored))
    );
    assert_eq!(jobs(&pool).await, 0);

    server.stop();
    assert_eq!(
        deliver(&app, second).await,
        (StatusCode::SERVICE_UNAVAILABLE, None)
    );
    server.restart();
    while deliver(&app, second).await != (StatusCode::OK, Some(Put::Stored)) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(jobs(&pool).await, 1);
}
