//! The inbox behind a guarded route of axum.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::routing::post;
use http::{Request, StatusCode, header};
use tower::ServiceExt;
use tower_webhook::dedup::DedupLayer;
use tower_webhook::inbox::{Fresh, NotFresh, TransactionalInbox};
use tower_webhook::testing::Signer;
use tower_webhook::{Delivery, Verifier, WebhookLayer, provider};

use super::{SECRET, Shop};

#[derive(Clone)]
struct App {
    shop: Arc<Shop>,
    fails: Arc<AtomicBool>,
}

impl FromRef<App> for TransactionalInbox {
    fn from_ref(app: &App) -> Self {
        app.shop.inbox.clone()
    }
}

async fn by_function(State(app): State<App>, delivery: Delivery) -> Result<StatusCode, NotFresh> {
    let mut fresh = app.shop.inbox.begin(&delivery, None).await?;
    app.shop.order(&mut fresh, "1").await;
    if app.fails.load(Ordering::SeqCst) {
        sqlx::raw_sql("SELECT 1 / 0").execute(&mut *fresh).await?;
    }
    fresh.commit().await?;
    Ok(StatusCode::OK)
}

async fn by_extractor(State(app): State<App>, mut fresh: Fresh) -> Result<StatusCode, NotFresh> {
    app.shop.order(&mut fresh, "1").await;
    if app.fails.load(Ordering::SeqCst) {
        sqlx::raw_sql("SELECT 1 / 0").execute(&mut *fresh).await?;
    }
    fresh.commit().await?;
    Ok(StatusCode::OK)
}

async fn send(router: &Router, path: &str, id: &str) -> (StatusCode, bool) {
    let signer = Signer::new(provider::stripe(), SECRET).unwrap();
    let request = signer.sign(path, format!(r#"{{"id":"{id}"}}"#));
    let request: Request<Body> = request.map(Body::from);
    let response = router.clone().oneshot(request).await.unwrap();
    let waits = response.headers().contains_key(header::RETRY_AFTER);
    (response.status(), waits)
}

#[tokio::test]
async fn a_handler_answers_what_the_inbox_says() {
    let app = App {
        shop: Arc::new(Shop::new().await),
        fails: Arc::default(),
    };
    let verifier = Verifier::new(provider::stripe(), SECRET).unwrap();
    let alone = WebhookLayer::new(verifier).without_dedup();
    // A layer in front with a memory of its own takes nothing away.
    let behind = alone.clone().with_dedup(DedupLayer::in_memory()).unwrap();
    // One that holds a lease on the same rows is refused its own event.
    let same = DedupLayer::new(Arc::clone(&app.shop.table.store) as _);
    let same = alone.clone().with_dedup(same).unwrap();
    let router = Router::new()
        .route("/function", post(by_function).layer(alone.clone()))
        .route("/extractor", post(by_extractor).layer(alone))
        .route("/behind", post(by_function).layer(behind))
        .route("/same", post(by_function).layer(same))
        .with_state(app.clone());

    let mut orders = 0;
    for path in ["/function", "/extractor", "/behind"] {
        app.fails.store(true, Ordering::SeqCst);
        let answer = send(&router, path, path).await;
        assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, true), "{path}");
        app.fails.store(false, Ordering::SeqCst);
        orders += 1;
        for _ in 0..3 {
            let answer = send(&router, path, path).await;
            assert_eq!(answer, (StatusCode::OK, false), "{path}");
            assert_eq!(app.shop.orders().await, orders, "{path}");
        }
    }
    // The other routes know it by the same row.
    let answer = send(&router, "/function", "/behind").await;
    assert_eq!(answer, (StatusCode::OK, false));
    assert_eq!(app.shop.orders().await, orders);

    let busy = app.shop.begin(&super::stripe("evt_1")).await.unwrap();
    let answer = send(&router, "/extractor", "evt_1").await;
    assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, true));
    busy.rollback().await.unwrap();

    // Refused, not processed twice, and not lost: the sender comes again.
    let answer = send(&router, "/same", "evt_2").await;
    assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, true));
    let answer = send(&router, "/function", "evt_2").await;
    assert_eq!(answer, (StatusCode::OK, false));
    assert_eq!(app.shop.orders().await, orders + 1);
}

/// Without the layer in front, nothing was verified.
#[tokio::test]
async fn without_the_layer_the_extractor_opens_no_transaction() {
    let app = App {
        shop: Arc::new(Shop::new().await),
        fails: Arc::default(),
    };
    let router = Router::new()
        .route("/", post(by_extractor))
        .with_state(app.clone());
    let (status, _) = send(&router, "/", "evt_1").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.shop.orders().await, 0);
}
