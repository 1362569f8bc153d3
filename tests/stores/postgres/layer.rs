//! What a sender is answered while the database is in trouble.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::dedup::DedupLayer;
use tower_webhook::store::{DedupStore, PostgresStore, StoreError};
use tower_webhook::{Rejection, RejectionKind, VerifiedBody, provider};

use super::{LEASE, TTL, Table};
use crate::servers::Postgres;

/// A route whose handler succeeds, and its calls.
struct Route {
    layer: DedupLayer,
    calls: Arc<AtomicUsize>,
}

impl Route {
    fn new(store: &Arc<PostgresStore>) -> Self {
        Self {
            layer: DedupLayer::new(Arc::clone(store) as _),
            calls: Arc::default(),
        }
    }

    async fn send(&self, id: &str) -> Response<String> {
        let body = Bytes::from(format!(r#"{{"id":"{id}"}}"#));
        let request = Request::post("/").body(body).unwrap();
        let request = VerifiedBody::assume_verified(provider::stripe(), request).unwrap();
        let calls = Arc::clone(&self.calls);
        let handler = service_fn(move |_: Request<VerifiedBody>| {
            calls.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, Infallible>(Response::new("done".to_owned())) }
        });
        self.layer.layer(handler).oneshot(request).await.unwrap()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn assert_refused(response: &Response<String>) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    let kind = response.extensions().get().map(Rejection::kind);
    assert_eq!(kind, Some(RejectionKind::StoreUnavailable));
}

/// C19: nothing is acknowledged that was not stored.
#[tokio::test]
async fn c19_a_table_that_is_gone_is_503_and_no_call() {
    let table = Table::shared().await;
    let route = Route::new(&table.store);
    assert_eq!(route.send("evt_1").await.status(), StatusCode::OK);

    table.run("ALTER TABLE {} RENAME TO gone").await;
    for id in ["evt_1", "evt_2"] {
        assert_refused(&route.send(id).await);
    }
    assert_eq!(route.calls(), 1);

    table.run("ALTER TABLE gone RENAME TO {}").await;
    assert_eq!(route.send("evt_1").await.status(), StatusCode::OK);
    assert_eq!(route.send("evt_2").await.status(), StatusCode::OK);
    assert_eq!(route.calls(), 2);
}

/// Every step says what went wrong.
#[tokio::test]
async fn each_step_on_a_table_that_is_gone_is_unavailable_and_has_a_cause() {
    use tower_webhook::store::{Claim, Completion, Fingerprint, Owner};
    let table = Table::shared().await;
    table.run("DROP TABLE {}").await;
    let (store, key, owner) = (&table.store, super::key(1), Owner::from_u128(1));
    let claim = Claim::new(key, owner, LEASE, TTL);
    let done = Completion::new(Fingerprint::NONE, 200, TTL);
    let answers = [
        store.claim(&claim).await.map(drop),
        store.renew(&key, owner, LEASE, TTL).await.map(drop),
        store.complete(&key, owner, done).await.map(drop),
        store.release(&key, owner).await.map(drop),
        store.forget(&key).await.map(drop),
        store.reap().await.map(drop),
    ];
    for answer in answers {
        let Err(StoreError::Unavailable(cause)) = answer else {
            panic!("{answer:?}");
        };
        assert!(cause.to_string().contains(&table.name), "{cause}");
    }
}

/// A restart of the server ends every connection of the pool.
#[tokio::test]
async fn after_a_restart_of_the_server_no_delivery_is_refused_for_a_dead_connection() {
    let mut server = Postgres::start();
    let table = Table::on(&server).await;
    let route = Route::new(&table.store);
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(table.pool().acquire().await.unwrap());
    }
    drop(open);
    while table.pool().num_idle() < 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(route.send("evt_1").await.status(), StatusCode::OK);

    server.stop();
    assert_refused(&route.send("evt_2").await);
    server.restart();
    assert_eq!(route.send("evt_2").await.status(), StatusCode::OK);
    assert_eq!(route.send("evt_1").await.status(), StatusCode::OK);
    assert_eq!(route.calls(), 2);

    // Once more, with ten idle connections that nobody has touched.
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(table.pool().acquire().await.unwrap());
    }
    drop(open);
    while table.pool().num_idle() < 10 {
        tokio::task::yield_now().await;
    }
    server.restart();
    assert_eq!(route.send("evt_3").await.status(), StatusCode::OK);
    assert_eq!(route.calls(), 3);
}

/// The server stops answering in the middle, without closing anything.
#[tokio::test]
async fn a_server_that_hangs_is_503_within_the_layers_timeout() {
    let server = Postgres::start();
    let table = Table::on(&server).await;
    let route = Route::new(&table.store);
    let mut hasty = Route::new(&table.store);
    let timeout = Duration::from_millis(200);
    hasty.layer = hasty.layer.with_store_timeout(timeout).unwrap();
    assert_eq!(route.send("evt_1").await.status(), StatusCode::OK);
    server.pause();
    assert_refused(&hasty.send("evt_2").await);
    server.resume();
    assert_eq!(route.send("evt_1").await.status(), StatusCode::OK);
    assert_eq!((route.calls(), hasty.calls()), (1, 0));
}
