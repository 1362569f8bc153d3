use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor, PgPool, Row};
use tower_webhook::ConfigError;
use tower_webhook::inbox::{PostgresInbox, PostgresSetupError, Put, Sink};

use super::{
    NOW, Sent, Table, assert_no_event_is_lost_under_the_id_of_another, assert_put,
    assert_unavailable, deliver, deliver_copies, deliver_within,
};
use crate::servers::Postgres;

#[tokio::test]
async fn an_event_is_stored_once_and_as_it_was_sent() {
    let table = Table::new(Postgres::shared()).await;
    let mut sent = Sent::random();
    sent.body = b"\0\xff\xfe{\"not\": text}\r\n".as_slice().into();
    assert_eq!(deliver_copies(&table.sink, &sent).await, 1);

    let sql = AssertSqlSafe(format!(
        "SELECT *, headers::text AS json FROM {}",
        table.name
    ));
    let row = sqlx::query(sql).fetch_one(&table.pool).await.unwrap();
    assert_eq!(row.get::<&[u8], _>("body"), &sent.body);
    assert_eq!(row.get::<&str, _>("provider"), "acme");
    assert_eq!(row.get::<&str, _>("event_id"), sent.id);
    assert_eq!(row.get::<&str, _>("event_type"), "paid");
    let headers: serde_json::Value = serde_json::from_str(row.get("json")).unwrap();
    let expected = serde_json::json!({
        "content-type": ["application/octet-stream"],
        "x-acme-id": [sent.id],
        "x-acme-type": ["paid"],
        "x-chosen": ["\u{e9}t\u{e9}"],
    });
    assert_eq!(headers, expected);
    let sent_at = table.numbers("SELECT extract(epoch FROM sent_at)::bigint FROM $table");
    assert_eq!(sent_at.await, [NOW.unix_seconds()]);
}

/// The id is not signed: whoever captured a delivery can send it under another.
#[tokio::test]
async fn a_captured_delivery_is_known_under_every_id() {
    let table = Table::new(Postgres::shared()).await;
    let sent = Sent::random();
    assert_put(&deliver(&table.sink, &sent).await, Put::Stored);
    let replay = sent.under("made-up");
    assert_put(&deliver(&table.sink, &replay).await, Put::AlreadyStored);
    // The sender's next attempt is signed anew, and can be captured as well.
    let again = sent.later();
    assert_put(&deliver(&table.sink, &again).await, Put::AlreadyStored);
    let replay = again.under("made-up");
    assert_put(&deliver(&table.sink, &replay).await, Put::AlreadyStored);
    // Nothing was left under the id that was made up.
    let honest = Sent {
        body: "something else".into(),
        ..replay
    };
    assert_put(&deliver(&table.sink, &honest).await, Put::Stored);
    assert_eq!(table.count("pending").await, 2);

    // What was signed is forgotten with its event, not before.
    table
        .run("UPDATE $table SET state = 'done', forget_after = now() - interval '1 s'")
        .await;
    assert_eq!(table.inbox.forget_done().await.unwrap(), 2);
    let replays = table.numbers("SELECT count(*) FROM $table_replay").await;
    assert_eq!(replays, [0]);
}

#[tokio::test]
async fn b10_a_captured_event_is_not_lost_under_the_id_of_another() {
    let table = Table::new(Postgres::shared()).await;
    assert_no_event_is_lost_under_the_id_of_another(&table.sink).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_server_is_away() {
    let mut server = Postgres::start();
    let table = Table::new(&server).await;
    let short = Duration::from_millis(300);

    // The answer does not come in time, but the event may be stored.
    let slow = Sent::new("slow");
    let mut lock = table.pool.begin().await.unwrap();
    let sql = format!("LOCK TABLE {} IN EXCLUSIVE MODE", table.name);
    lock.execute(AssertSqlSafe(sql)).await.unwrap();
    assert_unavailable(&deliver_within(&table.sink, &slow, short).await);
    lock.commit().await.unwrap();
    let retry = deliver(&table.sink, &slow).await;
    assert_eq!(retry.status(), 200);

    server.pause();
    let paused = Sent::new("paused");
    assert_unavailable(&deliver_within(&table.sink, &paused, short).await);
    server.resume();
    assert_eq!(deliver(&table.sink, &paused).await.status(), 200);

    server.stop();
    let down = Sent::new("down");
    assert_unavailable(&deliver_within(&table.sink, &down, short).await);
    let reachable = table.inbox.check();
    let reachable = tokio::time::timeout(Duration::from_millis(50), reachable).await;
    assert!(!matches!(reachable, Ok(Ok(()))));
    server.restart();
    assert_put(&deliver(&table.sink, &down).await, Put::Stored);

    let ids = table
        .numbers("SELECT count(DISTINCT event_id) FROM $table")
        .await;
    assert_eq!((table.count("pending").await, ids), (3, vec![3]));
}

/// All connections that were idle are dead then.
#[tokio::test]
async fn a_put_after_a_restart_of_the_server_succeeds() {
    let mut server = Postgres::start();
    let inbox = PostgresInbox::connect(&server.url()).await.unwrap();
    inbox.migrate().await.unwrap();
    let sink: Arc<dyn Sink> = Arc::new(inbox);
    assert_eq!(deliver_copies(&sink, &Sent::random()).await, 1);
    server.restart();
    for _ in 0..4 {
        assert_put(&deliver(&sink, &Sent::random()).await, Put::Stored);
    }
}

#[tokio::test]
async fn the_tables_have_a_schema_and_names_of_their_own() {
    let table = Table::new(Postgres::shared()).await;
    let name = format!("Schema_of_{0}.{1}", table.name, "T".repeat(50));
    let inbox = PostgresInbox::new(table.pool.clone());
    let inbox = inbox.with_table(&name).unwrap();
    let (one, other) = tokio::join!(inbox.migrate(), inbox.migrate());
    one.and(other).unwrap();
    let sink: Arc<dyn Sink> = Arc::new(inbox.clone());
    assert_eq!(deliver_copies(&sink, &Sent::random()).await, 1);
    // By hand, what was made before.
    sqlx::raw_sql(AssertSqlSafe(inbox.schema().to_owned()))
        .execute(&table.pool)
        .await
        .unwrap();
    inbox.check().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_the_setup_is_said_at_the_start() {
    let server = Postgres::shared();
    let table = Table::new(server).await;
    table.inbox.check().await.unwrap();
    // By many machines, and again.
    let (one, other) = tokio::join!(table.inbox.migrate(), table.inbox.migrate());
    one.and(other).unwrap();

    let missing = PostgresInbox::new(table.pool.clone());
    let missing = missing.with_table("no_such").unwrap().check().await;
    assert!(
        matches!(missing, Err(PostgresSetupError::NoSuchTable { .. })),
        "{missing:?}"
    );

    let name = &table.name;
    let role = format!("role_{name}");
    table
        .run(&format!(
            "CREATE ROLE {role} LOGIN; GRANT SELECT ON $table, $table_replay TO {role}"
        ))
        .await;
    let options: PgConnectOptions = server.url().parse().unwrap();
    let refused = |options: PgConnectOptions| {
        let pool = PgPoolOptions::new().connect_lazy_with(options);
        let inbox = PostgresInbox::new(pool).with_table(name).unwrap();
        async move { inbox.check().await.unwrap_err() }
    };
    let error = refused(options.clone().username(&role)).await;
    assert!(
        matches!(error, PostgresSetupError::MissingPrivilege { .. }),
        "{error:?}"
    );
    let read_only = [("default_transaction_read_only", "on")];
    let error = refused(options.clone().options(read_only)).await;
    assert!(matches!(error, PostgresSetupError::ReadOnly), "{error:?}");
    let error = refused(options.clone().database("no_such")).await;
    assert!(
        matches!(error, PostgresSetupError::NoSuchDatabase(_)),
        "{error:?}"
    );

    table
        .run("COMMENT ON TABLE $table_replay IS 'tower-webhook inbox 0'")
        .await;
    let error = table.inbox.check().await.unwrap_err();
    assert!(
        matches!(error, PostgresSetupError::OlderSchema { .. }),
        "{error:?}"
    );
    // The table of a store is none of an inbox, and the other way round.
    table
        .run("COMMENT ON TABLE $table IS 'tower-webhook 1'")
        .await;
    let error = table.inbox.check().await.unwrap_err();
    assert!(
        matches!(error, PostgresSetupError::UnknownTable { .. }),
        "{error:?}"
    );
    // A put fails, and is not acknowledged; a delivery is never lost so.
    table.run("ALTER TABLE $table DROP COLUMN tenant").await;
    assert_unavailable(&deliver(&table.sink, &Sent::random()).await);

    let long = "t".repeat(51);
    for name in ["", "1nbox", "a;b", "a.b.c", &long] {
        let refused = PostgresInbox::new(table.pool.clone()).with_table(name);
        assert!(
            matches!(refused, Err(ConfigError::InvalidTableName { .. })),
            "{name}"
        );
    }
}

/// A session that does not wait for the disk would acknowledge what a crash
/// takes away.
#[tokio::test]
async fn a_put_waits_for_the_disk() {
    let server = Postgres::shared();
    let table = Table::new(server).await;
    let options: PgConnectOptions = server.url().parse().unwrap();
    for (session, commit) in [("off", "on"), ("local", "local")] {
        let options = options.clone().options([("synchronous_commit", session)]);
        let pool = PgPool::connect_with(options).await.unwrap();
        let inbox = PostgresInbox::new(pool).with_table(&table.name).unwrap();
        // Which the commit sees is what a trigger at its end sees.
        table
            .run(
                "CREATE OR REPLACE FUNCTION note_$table() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                   UPDATE $table SET last_error = current_setting('synchronous_commit')
                   WHERE key = NEW.key;
                   RETURN NULL;
                 END $$;
                 DROP TRIGGER IF EXISTS note ON $table;
                 CREATE CONSTRAINT TRIGGER note AFTER INSERT ON $table
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_$table()",
            )
            .await;
        let sink: Arc<dyn Sink> = Arc::new(inbox);
        assert_put(&deliver(&sink, &Sent::random()).await, Put::Stored);
        let sql = format!("SELECT count(*) FROM $table WHERE last_error = '{commit}'");
        assert_eq!(table.numbers(&sql).await, [1], "{session}");
    }
}
