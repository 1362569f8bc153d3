//! A machine that receives webhooks: this program again, as another process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::net::UnixListener;
use tower_webhook::dedup::{DedupLayer, Lease};
use tower_webhook::inbox::{Fresh, NotFresh, TransactionalInbox};
use tower_webhook::store::{DedupStore, PostgresStore, ReadThrough, RedisStore};
use tower_webhook::{Delivery, Verifier, WebhookLayer, provider};

use super::Effects;
use super::client::SECRET;
use super::hooks::{Hooked, Hooks};

/// Where a worker finds its [`Setup`].
pub const SETUP: &str = "TOWER_WEBHOOK_WORKER";

/// What a worker is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    pub name: String,
    pub socket: PathBuf,
    pub guard: Guard,
    pub effects: Effects,
    pub lease: Duration,
    pub store_timeout: Duration,
    /// What the handler answers.
    pub status: u16,
    /// Whether it remembers by itself what is done.
    pub read_through: bool,
    /// Whether it says where it is.
    pub quiet: bool,
    /// The points at which it waits to be told to go on.
    pub stops: Vec<String>,
}

/// What an event is claimed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Guard {
    Redis {
        url: String,
        prefix: String,
    },
    RedisAllowingEviction {
        url: String,
        prefix: String,
    },
    Postgres {
        url: String,
        table: String,
    },
    /// With its effects.
    Inbox {
        url: String,
        table: String,
    },
}

#[derive(Clone)]
struct App {
    hooks: Arc<Hooks>,
    setup: Arc<Setup>,
    effects: PgPool,
    inbox: Option<TransactionalInbox>,
}

/// No test: see [`Worker`](super::Worker).
#[test]
#[ignore = "is started by tests"]
fn serve() {
    let Ok(setup) = std::env::var(SETUP) else {
        return;
    };
    let setup: Setup = serde_json::from_str(&setup).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(setup));
}

async fn run(setup: Setup) {
    let hooks = Hooks::new(&setup.stops);
    let mut app = App {
        hooks: Arc::clone(&hooks),
        effects: setup.effects.pool(),
        setup: Arc::new(setup),
        inbox: None,
    };
    let setup = Arc::clone(&app.setup);
    let verifier = Verifier::new(provider::standard_webhooks(), SECRET).unwrap();
    let guard = WebhookLayer::new(verifier);
    let router = if let Guard::Inbox { url, table } = &setup.guard {
        let store = PostgresStore::connect(url).await.unwrap();
        app.inbox = Some(store.with_table(table).unwrap().into());
        Router::new().route("/", post(transact).layer(guard))
    } else {
        let store = store(&setup).await;
        let store = match setup.quiet {
            true => store,
            false => Arc::new(Hooked::new(store, hooks)),
        };
        let dedup = DedupLayer::new(store)
            .with_lease(setup.lease)
            .and_then(|dedup| dedup.with_store_timeout(setup.store_timeout))
            .unwrap();
        let guard = guard.with_dedup(dedup).unwrap();
        Router::new().route("/", post(process).layer(guard))
    };
    let listener = UnixListener::bind(&setup.socket).unwrap();
    app.hooks.say("ready");
    axum::serve(listener, router.with_state(app)).await.unwrap();
}

async fn store(setup: &Setup) -> Arc<dyn DedupStore> {
    match &setup.guard {
        Guard::Redis { url, prefix } => {
            let store = RedisStore::connect(url).await.unwrap();
            remembering(setup, store.with_prefix(prefix).unwrap())
        }
        Guard::RedisAllowingEviction { url, prefix } => {
            let store = RedisStore::connect_allowing_eviction(url).await.unwrap();
            remembering(setup, store.with_prefix(prefix).unwrap())
        }
        Guard::Postgres { url, table } | Guard::Inbox { url, table } => {
            let store = PostgresStore::connect(url).await.unwrap();
            remembering(setup, store.with_table(table).unwrap())
        }
    }
}

fn remembering(setup: &Setup, store: impl DedupStore + 'static) -> Arc<dyn DedupStore> {
    match setup.read_through {
        true => Arc::new(ReadThrough::new(store, 10_000).unwrap()),
        false => Arc::new(store),
    }
}

/// The handler behind a lease.
async fn process(
    State(app): State<App>,
    Extension(lease): Extension<Lease>,
    delivery: Delivery,
) -> StatusCode {
    let id = delivery.event_id().unwrap().as_str();
    app.hooks.reach("handler").await;
    let effect = app
        .setup
        .effects
        .insert(&app.setup.name, id, lease.attempt());
    effect.execute(&app.effects).await.unwrap();
    app.hooks.reach("effect").await;
    StatusCode::from_u16(app.setup.status).unwrap()
}

/// The handler whose effects and record are one.
async fn transact(
    State(app): State<App>,
    delivery: Delivery,
    mut fresh: Fresh,
) -> Result<StatusCode, Response> {
    let failed = |error| NotFresh::from(error).into_response();
    let id = delivery.event_id().unwrap().as_str();
    app.hooks.reach("handler").await;
    let effect = app
        .setup
        .effects
        .insert(&app.setup.name, id, fresh.attempt());
    effect.execute(&mut *fresh).await.map_err(failed)?;
    app.hooks.reach("effect").await;
    // What `Fresh::commit` asks first.
    sqlx::raw_sql("SELECT 1")
        .execute(&mut *fresh)
        .await
        .map_err(failed)?;
    app.hooks.reach("commit").await;
    let committed = fresh.into_transaction().commit().await;
    app.hooks
        .say(format!("answer commit {}", committed.is_ok()));
    committed.map_err(failed)?;
    app.hooks.reach("completed").await;
    Ok(StatusCode::OK)
}

impl FromRef<App> for TransactionalInbox {
    fn from_ref(app: &App) -> Self {
        app.inbox.clone().unwrap()
    }
}
