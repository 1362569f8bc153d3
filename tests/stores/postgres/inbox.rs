//! Effects and the record of their event in one transaction.

mod http_route;
mod stacked;

use std::time::Duration;

use bytes::Bytes;
use sqlx::{PgConnection, Row};
use tower_webhook::clock::{Clock, SystemClock};
use tower_webhook::delivery::Tenant;
use tower_webhook::inbox::{Fresh, NotFresh, TransactionalInbox};
use tower_webhook::signature::Scheme;
use tower_webhook::testing::Signer;
use tower_webhook::{Delivery, Verifier, provider};

use super::Table;
use crate::servers::Postgres;

/// Base64 as well as plain text.
const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";

/// A genuine delivery, with the id in a header where the scheme has it there.
fn delivery(scheme: Scheme, id: &str, body: impl Into<Bytes>) -> Delivery {
    let signer = Signer::new(scheme.clone(), SECRET).unwrap();
    let request = signer.with_event_id(id).sign("/", body);
    let (parts, body) = request.into_parts();
    let verifier = Verifier::new(scheme, SECRET).unwrap();
    let verified = verifier
        .verify(&parts, &body, SystemClock::default().now())
        .unwrap();
    Delivery::from(verified)
}

fn stripe(id: &str) -> Delivery {
    delivery(provider::stripe(), "", format!(r#"{{"id":"{id}"}}"#))
}

/// The id is not signed.
fn github(id: &str, body: &'static str) -> Delivery {
    delivery(provider::github(), id, body)
}

/// An inbox, and a table of effects beside it.
struct Shop {
    table: Table,
    inbox: TransactionalInbox,
}

impl Shop {
    async fn new() -> Self {
        Self::on(Postgres::shared()).await
    }

    async fn on(server: &Postgres) -> Self {
        let table = Table::on(server).await;
        table.run("CREATE TABLE {}_orders (id text NOT NULL)").await;
        let inbox = TransactionalInbox::from((*table.store).clone());
        Self { table, inbox }
    }

    /// The effect of an event.
    async fn order(&self, connection: &mut PgConnection, id: &str) {
        let sql = format!("INSERT INTO {}_orders VALUES ($1)", self.table.name);
        let insert = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_owned());
        insert.execute(connection).await.unwrap();
    }

    async fn orders(&self) -> i64 {
        self.table
            .row("SELECT count(*) FROM {}_orders")
            .await
            .get(0)
    }

    async fn begin(&self, delivery: &Delivery) -> Result<Fresh, NotFresh> {
        self.inbox.begin(delivery, None).await
    }

    async fn process(&self, delivery: &Delivery) {
        let mut fresh = self.begin(delivery).await.unwrap();
        self.order(&mut fresh, "order").await;
        fresh.commit().await.unwrap();
    }
}

fn assert_duplicate(refused: Result<Fresh, NotFresh>) {
    let refused = refused.unwrap_err();
    assert!(matches!(refused, NotFresh::Duplicate { .. }), "{refused:?}");
}

fn assert_busy(refused: Result<Fresh, NotFresh>) {
    let refused = refused.unwrap_err();
    assert!(matches!(refused, NotFresh::Busy(_)), "{refused:?}");
}

#[tokio::test]
async fn an_event_is_a_duplicate_once_its_transaction_is_committed() {
    let (shop, event) = (Shop::new().await, stripe("evt_1"));
    let mut fresh = shop.begin(&event).await.unwrap();
    assert_eq!(fresh.attempt(), 1);
    shop.order(&mut fresh, "1").await;
    assert_eq!(shop.orders().await, 0);
    fresh.commit().await.unwrap();
    assert_eq!(shop.orders().await, 1);
    let Err(NotFresh::Duplicate { duplicate, status }) = shop.begin(&event).await else {
        panic!("not a duplicate");
    };
    assert_eq!(
        (duplicate.status, duplicate.attempt, status.as_u16()),
        (200, 1, 200)
    );
    // Another tenant's event of the same id is another event.
    let tenant = Tenant::new("other");
    let other = shop.inbox.begin(&event, Some(&tenant)).await.unwrap();
    other.rollback().await.unwrap();
    // And it expires.
    shop.table.advance(Duration::from_secs(97 * 3600)).await;
    assert_eq!(shop.begin(&event).await.unwrap().attempt(), 1);
}

#[tokio::test]
async fn an_event_is_fresh_again_after_a_rollback() {
    let (shop, event) = (Shop::new().await, stripe("evt_1"));
    for end in ["rollback", "drop", "detach"] {
        let mut fresh = shop.begin(&event).await.unwrap();
        assert_eq!(fresh.attempt(), 1, "{end}");
        shop.order(&mut fresh, end).await;
        match end {
            "rollback" => fresh.rollback().await.unwrap(),
            "drop" => drop(fresh),
            _ => fresh.into_transaction().rollback().await.unwrap(),
        }
    }
    assert_eq!((shop.orders().await, shop.table.count().await), (0, 0));
    shop.process(&event).await;
    assert_eq!(shop.orders().await, 1);
}

/// C8: the process dies after the effect and before the end.
#[tokio::test]
async fn c8_a_crash_before_the_commit_leaves_nothing() {
    let (shop, event) = (Shop::new().await, stripe("evt_1"));
    let mut fresh = shop.begin(&event).await.unwrap();
    shop.order(&mut fresh, "1").await;
    let pid = sqlx::query("SELECT pg_backend_pid()");
    let pid: i32 = pid.fetch_one(&mut *fresh).await.unwrap().get(0);
    let kill = format!("SELECT pg_terminate_backend({pid}, 10000)");
    shop.table.run(&kill).await;
    assert!(fresh.commit().await.is_err());
    assert_eq!(shop.orders().await, 0);
    shop.process(&event).await;
    assert_eq!(shop.orders().await, 1);
}

/// `COMMIT` answers with success although it rolls back.
#[tokio::test]
async fn a_commit_after_a_statement_failed_is_an_error() {
    let (shop, event) = (Shop::new().await, stripe("evt_1"));
    let mut fresh = shop.begin(&event).await.unwrap();
    shop.order(&mut fresh, "1").await;
    let ignored = sqlx::raw_sql("SELECT 1 / 0").execute(&mut *fresh).await;
    assert!(ignored.is_err());
    assert!(fresh.commit().await.is_err());
    assert_eq!(shop.orders().await, 0);
    shop.process(&event).await;
}

#[tokio::test]
async fn a_handler_that_stands_still_loses_its_transaction() {
    let mut shop = Shop::new().await;
    let idle = Duration::from_millis(59_999);
    shop.inbox = shop.inbox.with_idle_timeout(idle).unwrap();
    let event = stripe("evt_1");
    let mut fresh = shop.begin(&event).await.unwrap();
    shop.order(&mut fresh, "1").await;
    let set = sqlx::query("SHOW idle_in_transaction_session_timeout");
    let set = set.fetch_one(&mut *fresh).await.unwrap();
    assert_eq!(set.get::<&str, _>(0), "59999ms");
    // The server's clock cannot be moved: it is to wait no longer.
    let now = sqlx::raw_sql("SET LOCAL idle_in_transaction_session_timeout = 1");
    now.execute(&mut *fresh).await.unwrap();
    let open = "SELECT count(*) FROM pg_locks WHERE relation = '{}'::regclass";
    while shop.table.row(open).await.get::<i64, _>(0) > 0 {
        tokio::task::yield_now().await;
    }
    assert!(fresh.commit().await.is_err());
    assert_eq!(shop.orders().await, 0);
    shop.process(&event).await;
    assert!(
        shop.inbox
            .clone()
            .with_idle_timeout(Duration::ZERO)
            .is_err()
    );
    assert!(shop.inbox.clone().with_ttl(Duration::ZERO).is_err());
}

#[tokio::test]
async fn a_second_delivery_is_busy_while_the_first_runs() {
    let mut shop = Shop::new().await;
    shop.inbox = shop.inbox.with_lock_timeout(Duration::ZERO);
    let event = stripe("evt_1");
    let mut first = shop.begin(&event).await.unwrap();
    shop.order(&mut first, "1").await;
    assert_busy(shop.begin(&event).await);
    first.rollback().await.unwrap();
    let second = shop.begin(&event).await.unwrap();
    assert_busy(shop.begin(&event).await);
    second.commit().await.unwrap();
    assert_duplicate(shop.begin(&event).await);
}

/// It waits as long as it is told, and gets what the first one came to.
#[tokio::test]
async fn a_second_delivery_learns_how_the_first_ended() {
    let shop = Shop::new().await;
    for (id, commits) in [("evt_1", true), ("evt_2", false)] {
        let event = stripe(id);
        let first = shop.begin(&event).await.unwrap();
        let inbox = shop
            .inbox
            .clone()
            .with_lock_timeout(Duration::from_secs(60));
        let waiting = {
            let event = event.clone();
            tokio::spawn(async move { inbox.begin(&event, None).await })
        };
        shop.table.waits_for_lock().await;
        match commits {
            true => first.commit().await.unwrap(),
            false => first.rollback().await.unwrap(),
        }
        let second = waiting.await.unwrap();
        match commits {
            true => assert_duplicate(second),
            false => assert_eq!(second.unwrap().attempt(), 1),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_copies_at_once_one_has_its_effect() {
    let shop = std::sync::Arc::new(Shop::new().await);
    let mut tasks = tokio::task::JoinSet::new();
    for copy in 0..64 {
        let shop = std::sync::Arc::clone(&shop);
        tasks.spawn(async move {
            let event = stripe(&format!("evt_{}", copy % 4));
            loop {
                match shop.begin(&event).await {
                    Ok(mut fresh) => {
                        shop.order(&mut fresh, "1").await;
                        // Every other one fails, and its sender comes again.
                        if copy % 8 < 4 {
                            return fresh.commit().await.unwrap();
                        }
                        drop(fresh);
                    }
                    Err(NotFresh::Duplicate { .. }) => return,
                    Err(NotFresh::Busy(_) | NotFresh::Unavailable(..)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(shop.orders().await, 4);
}

/// Whoever captured a delivery sends it under another id.
#[tokio::test]
async fn a_replay_under_another_id_is_a_duplicate() {
    let mut shop = Shop::new().await;
    shop.inbox = shop.inbox.with_lock_timeout(Duration::ZERO);
    let first = shop.begin(&github("72d3162e", r#"{"n":1}"#)).await.unwrap();
    assert_busy(shop.begin(&github("made-up", r#"{"n":1}"#)).await);
    first.commit().await.unwrap();
    for id in ["72d3162e", "made-up", "another"] {
        assert_duplicate(shop.begin(&github(id, r#"{"n":1}"#)).await);
    }
    // The made-up ids left no trace.
    assert_eq!(shop.table.count().await, 2);
    let other = shop.begin(&github("made-up", r#"{"n":2}"#)).await.unwrap();
    other.commit().await.unwrap();
    assert_eq!(shop.table.count().await, 4);
}

/// A sender that signs each attempt: the bytes of the second one could be
/// captured as well. They are not done either: they may be those of an event that
/// is not, under the id of one that is.
#[tokio::test]
async fn b10_other_bytes_under_a_known_id_are_held() {
    let mut shop = Shop::new().await;
    shop.inbox = shop.inbox.with_lock_timeout(Duration::ZERO);
    let scheme =
        || provider::github().with_conflict(tower_webhook::signature::ConflictPolicy::Ignore);
    let again = |id, body: &'static str| delivery(scheme(), id, body);

    // While the first runs, the second is not free either.
    let first = shop.begin(&again("a", "1")).await.unwrap();
    assert_busy(shop.begin(&again("a", "2")).await);
    assert_busy(shop.begin(&again("made-up", "2")).await);
    first.commit().await.unwrap();

    assert_duplicate(shop.begin(&again("a", "3")).await);
    assert_busy(shop.begin(&again("b", "3")).await);
    shop.table
        .run("UPDATE {} SET lease_until = now() - interval '1 s' WHERE state = 'i'")
        .await;
    shop.process(&again("b", "3")).await;
    assert_eq!(shop.orders().await, 1);
    assert_duplicate(shop.begin(&again("b", "3")).await);
}

/// The provider signs its ids, and sent another content under one.
#[tokio::test]
async fn another_content_under_a_known_id_is_a_conflict_where_the_scheme_says_so() {
    let shop = Shop::new().await;
    let event = |body: &'static str| delivery(provider::standard_webhooks(), "msg_1", body);
    shop.process(&event("1")).await;
    let refused = shop.begin(&event("2")).await.unwrap_err();
    assert!(matches!(refused, NotFresh::Conflict(_)), "{refused:?}");
    assert_eq!(refused.response::<String>().status(), 422);
    assert_duplicate(shop.begin(&event("1")).await);
    assert_eq!(shop.orders().await, 1);
}

/// C28, where the id is not signed: both rows have to go.
#[tokio::test]
async fn c28_an_operator_can_have_an_event_processed_again() {
    use tower_webhook::dedup::DedupLayer;
    let shop = Shop::new().await;
    let event = github("72d3162e", "{}");
    shop.process(&event).await;
    assert_duplicate(shop.begin(&event).await);
    let layer = DedupLayer::new(std::sync::Arc::new(shop.inbox.store().clone()));
    let id = event.event_id().unwrap();
    assert!(layer.forget(&provider::github(), None, id).await.unwrap());
    // A rollback does not use the permit up.
    shop.begin(&event).await.unwrap().rollback().await.unwrap();
    shop.process(&event).await;
    assert_duplicate(shop.begin(&event).await);
    assert_eq!(shop.orders().await, 2);
}

#[tokio::test]
async fn an_event_without_a_usable_id_is_invalid_where_there_must_be_one() {
    let shop = Shop::new().await;
    let refused = shop.begin(&github("", "{}")).await.unwrap_err();
    assert!(matches!(refused, NotFresh::Invalid(_)), "{refused:?}");
    assert_eq!(refused.response::<String>().status(), 400);
    assert_eq!(shop.table.count().await, 0);
}

/// A transaction that the user opened.
#[tokio::test]
async fn an_event_can_be_recorded_in_a_transaction_that_is_open() {
    let mut shop = Shop::new().await;
    shop.inbox = shop.inbox.with_lock_timeout(Duration::ZERO);
    let event = github("72d3162e", "{}");
    let timeout = async |connection: &mut PgConnection| {
        let shown = sqlx::query("SHOW lock_timeout").fetch_one(connection).await;
        shown.unwrap().get::<String, _>(0)
    };
    let mut transaction = shop.table.pool().begin().await.unwrap();
    let before = timeout(&mut transaction).await;
    let begun = shop.inbox.begin_in(&mut transaction, &event, None).await;
    assert_eq!(begun.unwrap(), 1);
    assert_eq!(timeout(&mut transaction).await, before);

    // Another one is told, and its transaction can go on.
    let mut other = shop.table.pool().begin().await.unwrap();
    shop.order(&mut other, "of another event").await;
    let begun = shop.inbox.begin_in(&mut other, &event, None).await;
    assert!(matches!(begun, Err(NotFresh::Busy(_))), "{begun:?}");
    assert_eq!(timeout(&mut other).await, before);
    transaction.commit().await.unwrap();
    let begun = shop.inbox.begin_in(&mut other, &event, None).await;
    assert!(
        matches!(begun, Err(NotFresh::Duplicate { .. })),
        "{begun:?}"
    );
    let next = shop
        .inbox
        .begin_in(&mut other, &stripe("evt_2"), None)
        .await;
    assert_eq!(next.unwrap(), 1);
    other.commit().await.unwrap();
    assert_eq!(shop.orders().await, 1);
    assert_duplicate(shop.begin(&stripe("evt_2")).await);
}

/// The database's default is above `READ COMMITTED`.
#[tokio::test]
async fn a_serializable_transaction_finds_its_duplicate_too() {
    let setting = ("default_transaction_isolation", "serializable");
    let table = Table::with(Postgres::shared(), &[setting]).await;
    let inbox = TransactionalInbox::from((*table.store).clone());
    let inbox = inbox.with_lock_timeout(Duration::from_secs(60));
    let event = stripe("evt_1");
    let first = inbox.begin(&event, None).await.unwrap();
    let waiting = {
        let (inbox, event) = (inbox.clone(), event.clone());
        tokio::spawn(async move { inbox.begin(&event, None).await })
    };
    table.waits_for_lock().await;
    first.commit().await.unwrap();
    assert_duplicate(waiting.await.unwrap());
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable() {
    let mut server = Postgres::start();
    let shop = Shop::on(&server).await;
    shop.process(&stripe("evt_1")).await;
    server.restart();
    assert_duplicate(shop.begin(&stripe("evt_1")).await);
    shop.table.run("DROP TABLE {}").await;
    let refused = shop.begin(&stripe("evt_1")).await.unwrap_err();
    assert!(matches!(refused, NotFresh::Unavailable(..)), "{refused:?}");
    assert_eq!(refused.response::<String>().status(), 503);
    server.stop();
    let refused = shop.begin(&stripe("evt_1")).await.unwrap_err();
    assert!(matches!(refused, NotFresh::Unavailable(..)), "{refused:?}");
}

/// Whoever returns it with `?` logs nothing, and the answer says nothing.
#[cfg(feature = "tracing")]
#[tokio::test]
async fn operators_are_told_what_the_database_said() {
    let shop = Shop::new().await;
    shop.table.run("DROP TABLE {}").await;
    let log = crate::log::Log::start();
    shop.begin(&stripe("evt_1")).await.unwrap_err();
    let recorded = log.take();
    assert!(
        recorded.contains("a webhook could not be recorded"),
        "{recorded}"
    );
    assert!(recorded.contains("does not exist"), "{recorded}");
    let _ = NotFresh::from(sqlx::Error::WorkerCrashed);
    let own = log.take();
    assert!(own.contains("the transaction of a webhook failed"), "{own}");
    assert!(own.contains("background worker"), "{own}");
}
