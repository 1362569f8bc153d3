//! What is wrong is said at the start, and what to do about it.

use std::error::Error;
use std::fs;

use sqlx::PgPool;
use tower_webhook::ConfigError;
use tower_webhook::store::PostgresStore;
use tower_webhook::store::postgres::PostgresSetupError;

use super::{Table, new_name};
use crate::servers::Postgres;

const PASSWORD: &str = "pa55word-of-the-test";

/// All that an error shows to anybody.
fn all_texts(error: &PostgresSetupError) -> String {
    let mut texts = format!("{error}\n{error:?}\n{error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        texts += &format!("\n{error}\n{error:?}");
        source = error.source();
    }
    texts
}

async fn run(pool: &PgPool, sql: impl Into<String>) {
    let sql = sqlx::AssertSqlSafe(sql.into());
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

async fn refused(url: &str) -> PostgresSetupError {
    let error = PostgresStore::connect(url).await.unwrap_err();
    assert!(!all_texts(&error).contains(PASSWORD), "{error:?}");
    error
}

#[tokio::test]
async fn a_wrong_address_is_told_apart() {
    for url in [
        "",
        "localhost",
        &format!("postgres://u:{PASSWORD}@host:port/d"),
        &format!("postgres://u:{PASSWORD}@[::1/d"),
        &format!("postgres://u:{PASSWORD}@host/d?sslmode=perhaps"),
    ] {
        let error = refused(url).await;
        assert!(
            matches!(error, PostgresSetupError::InvalidUrl),
            "{url}: {error:?}"
        );
        assert!(error.to_string().contains("postgres://user:password@"));
    }
    for url in [
        format!("postgres://u:{PASSWORD}@127.0.0.1:1/d"),
        format!("postgres://u:{PASSWORD}@localhost/d?host=/nonexistent"),
    ] {
        let error = refused(&url).await;
        assert!(
            matches!(error, PostgresSetupError::Unreachable(_)),
            "{error:?}"
        );
        assert!(error.to_string().contains("check host"), "{error}");
    }
    let url = Postgres::shared()
        .url()
        .replace("/postgres?", "/elsewhere?");
    let error = refused(&url).await;
    assert!(
        matches!(error, PostgresSetupError::NoSuchDatabase(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let mut server = Postgres::start();
    let pool = PgPool::connect(&server.url()).await.unwrap();
    run(
        &pool,
        format!("CREATE ROLE webhooks LOGIN PASSWORD '{PASSWORD}'"),
    )
    .await;
    pool.close().await;
    let data = server.socket().parent().unwrap().join("data");
    fs::write(data.join("pg_hba.conf"), "local all all password\n").unwrap();
    server.restart();

    let with = |password: &str| {
        let login = format!("webhooks:{password}@");
        server.url().replace("postgres@", &login)
    };
    let wrong = format!("{PASSWORD}-not");
    for url in [with(&wrong), with("")] {
        let error = refused(&url).await;
        assert!(
            matches!(error, PostgresSetupError::LoginRefused(_)),
            "{error:?}"
        );
    }
    let store = PostgresStore::connect(&with(PASSWORD)).await.unwrap();
    assert!(!format!("{store:?} {store:#?}").contains(PASSWORD));

    // This user may do nothing in the schema `public`.
    let error = store.migrate().await.unwrap_err();
    assert!(
        matches!(error, PostgresSetupError::NotAllowed(_)),
        "{error:?}"
    );
    assert!(error.to_string().contains("grant"), "{error}");
}

#[tokio::test]
async fn a_table_that_is_missing_or_not_ours_or_of_another_version_is_told() {
    let table = Table::shared().await;
    let (pool, name) = (table.pool(), &table.name);
    table.store.check().await.unwrap();

    let store = PostgresStore::new(pool.clone());
    let missing = store.with_table("nowhere").unwrap().check().await;
    let error = missing.unwrap_err();
    assert!(
        matches!(error, PostgresSetupError::NoSuchTable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("migrate"));
    let store = PostgresStore::new(pool.clone());
    let missing = store.with_table("nowhere.events").unwrap().check().await;
    assert!(matches!(
        missing,
        Err(PostgresSetupError::NoSuchTable { .. })
    ));

    let mark = async |mark: &str| {
        run(pool, format!("COMMENT ON TABLE {name} IS {mark}")).await;
        let (checked, migrated) = (table.store.check().await, table.store.migrate().await);
        assert_eq!(format!("{checked:?}"), format!("{migrated:?}"));
        checked.unwrap_err()
    };
    let error = mark("'tower-webhook 0'").await;
    assert!(matches!(
        error,
        PostgresSetupError::OlderSchema {
            found: 0,
            needed: 1,
            ..
        }
    ));
    let error = mark("'tower-webhook 2'").await;
    assert!(matches!(
        error,
        PostgresSetupError::NewerSchema {
            found: 2,
            known: 1,
            ..
        }
    ));
    assert!(error.to_string().contains("update the program"));
    for comment in ["NULL", "'tower-webhook'", "'tower-webhook one'", "'orders'"] {
        let error = mark(comment).await;
        assert!(
            matches!(error, PostgresSetupError::UnknownTable { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn privileges_that_are_missing_are_named() {
    let table = Table::shared().await;
    let role = format!("role_of_{}", table.name);
    run(table.pool(), format!("CREATE ROLE {role} LOGIN")).await;
    let url = Postgres::shared().url();
    let url = url.replace("postgres@", &format!("{role}@"));
    let store = PostgresStore::connect(&url).await.unwrap();
    let store = store.with_table(&table.name).unwrap();
    for needed in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
        let error = store.check().await.unwrap_err();
        assert!(
            matches!(error, PostgresSetupError::MissingPrivilege { privilege, .. } if privilege == needed),
            "{error:?}"
        );
        assert!(error.to_string().contains(&format!("GRANT {needed} ON")));
        run(
            table.pool(),
            format!("GRANT {needed} ON {} TO {role}", table.name),
        )
        .await;
    }
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_told_at_the_start() {
    let mut server = Postgres::start();
    let table = Table::on(&server).await;
    let url = format!(
        "{}&options=-c%20default_transaction_read_only%3Don",
        server.url()
    );
    let store = PostgresStore::connect(&url).await.unwrap();
    let store = store.with_table(&table.name).unwrap();
    for error in [store.check().await, store.migrate().await] {
        assert!(
            matches!(error, Err(PostgresSetupError::ReadOnly)),
            "{error:?}"
        );
    }

    let data = server.socket().parent().unwrap().join("data");
    fs::write(data.join("standby.signal"), "").unwrap();
    server.restart();
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    let store = store.with_table(&table.name).unwrap();
    for error in [store.check().await, store.migrate().await] {
        let error = error.unwrap_err();
        assert!(matches!(error, PostgresSetupError::HotStandby), "{error:?}");
        assert!(error.to_string().contains("primary"));
    }
}

#[tokio::test]
async fn migrations_can_be_repeated_and_run_at_the_same_time() {
    let url = Postgres::shared().url();
    let table = format!("Schema_of_{0}.{0}", new_name());
    let mut machines = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = PostgresStore::connect(&url).await.unwrap();
        let store = store.with_table(&table).unwrap();
        machines.spawn(async move {
            store.migrate().await.unwrap();
            store.migrate().await.unwrap();
            store.check().await.unwrap();
        });
    }
    machines.join_all().await;

    // By hand, and then by us.
    let table = Table::shared().await;
    run(table.pool(), tower_webhook::store::postgres::sql::MIGRATION).await;
    run(table.pool(), tower_webhook::store::postgres::sql::MIGRATION).await;
    let store = PostgresStore::new(table.pool().clone());
    store.migrate().await.unwrap();
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_store_works_in_a_schema_of_its_own() {
    let name = format!("Own_{0}.Events", new_name());
    let store = PostgresStore::connect(&Postgres::shared().url())
        .await
        .unwrap();
    let store = store.with_table(&name).unwrap();
    store.migrate().await.unwrap();
    let (schema, table) = name.split_once('.').unwrap();
    let table = Table {
        store: store.into(),
        name: format!("\"{schema}\".\"{table}\""),
    };
    tower_webhook::store::conformance::check(&table).await;
}

#[test]
fn names_with_odd_characters_are_refused() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    let pool = PgPool::connect_lazy("postgres://localhost/none").unwrap();
    let store = PostgresStore::new(pool);
    for name in [
        "",
        "a b",
        "a\"b",
        "a'b",
        "a;DROP TABLE b",
        "a.b.c",
        ".a",
        "a.",
        "ä",
        "a\0",
    ] {
        let refused = store.clone().with_table(name);
        assert!(
            matches!(refused, Err(ConfigError::InvalidTableName { .. })),
            "{name:?}"
        );
    }
}
