//! Statements, and what their errors mean.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Connection, PgPool, Postgres, SqlSafeStr, Transaction};

/// How often a step starts again when another machine changed the row
/// between its statements, or the server asked for it.
pub(crate) const ROUNDS: u32 = 3;

/// A statement that is ready to run.
pub(crate) type Query<'a> = sqlx::query::Query<'a, Postgres, PgArguments>;

/// Runs a statement whose repetition changes nothing more, and which is
/// repeated if its connection was dead.
pub(crate) async fn fetch<'a>(
    pool: &PgPool,
    statement: impl Fn() -> Query<'a>,
) -> Result<Option<PgRow>, sqlx::Error> {
    let mut answer = fetch_once(pool, &statement).await;
    for _ in 1..ROUNDS {
        match &answer {
            Err(error) if is_disconnection(error) => {
                let mut connection = live_connection(pool).await?;
                answer = statement().fetch_optional(&mut *connection).await;
            }
            _ => break,
        }
    }
    answer
}

/// Runs a statement whose repetition answers something else. It is repeated
/// only if the server says that it undid it.
pub(crate) async fn fetch_once<'a>(
    pool: &PgPool,
    statement: impl Fn() -> Query<'a>,
) -> Result<Option<PgRow>, sqlx::Error> {
    let mut answer = statement().fetch_optional(pool).await;
    for _ in 1..ROUNDS {
        match &answer {
            Err(error) if is_collision(error) => {
                answer = statement().fetch_optional(pool).await;
            }
            _ => break,
        }
    }
    answer
}

/// A connection that answers. After a restart of the server, all that are idle
/// in the pool are dead.
async fn live_connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    for _ in 0..pool.size() {
        let mut connection = pool.acquire().await?;
        if connection.ping().await.is_ok() {
            return Ok(connection);
        }
    }
    pool.acquire().await
}

/// Begins a transaction, on a connection that answers.
pub(crate) async fn begin<S: SqlSafeStr>(
    pool: &PgPool,
    statement: impl Fn() -> S,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    for _ in 0..pool.size() {
        match pool.begin_with(statement()).await {
            Err(error) if is_disconnection(&error) => {}
            answer => return answer,
        }
    }
    pool.begin_with(statement()).await
}

const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK_DETECTED: &str = "40P01";
const LOCK_NOT_AVAILABLE: &str = "55P03";

pub(crate) fn has_code(error: &sqlx::Error, code: &str) -> bool {
    let database = error.as_database_error();
    database.is_some_and(|error| error.code().as_deref() == Some(code))
}

/// Another transaction holds the row, and `lock_timeout` is over.
pub(crate) fn is_blocked(error: &sqlx::Error) -> bool {
    has_code(error, LOCK_NOT_AVAILABLE)
}

/// The connection has ended, or the server ends it.
pub(crate) fn is_disconnection(error: &sqlx::Error) -> bool {
    const ENDED: [&str; 3] = ["57P01", "57P02", "57P05"];
    match error {
        sqlx::Error::Io(_) => true,
        error => ENDED.iter().any(|code| has_code(error, code)),
    }
}

/// With another isolation level than `READ COMMITTED`, where two wanted one
/// row.
pub(crate) fn is_collision(error: &sqlx::Error) -> bool {
    has_code(error, SERIALIZATION_FAILURE) || has_code(error, DEADLOCK_DETECTED)
}
