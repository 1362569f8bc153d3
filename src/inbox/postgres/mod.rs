mod failure;
mod run;
mod sql;
mod stored;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgPool, Row};
use tokio::sync::Notify;

use self::sql::{Statements, query};
use self::stored::{seconds, text};
pub use self::{failure::Failure, stored::StoredEvent, worker::PostgresWorker};
use super::setup::SetupError;
use super::{InboxEvent, Put, Sink, SinkError, SinkFuture, json};
use crate::ConfigError;
use crate::postgres::TableName;
use crate::store::DedupKey;

/// Longer times are this one: an interval must not overflow.
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A [`Sink`] in PostgreSQL: a table of events, and the memory of those that
/// were done. [`PostgresWorker`] processes them.
///
/// ```no_run
/// use std::sync::Arc;
/// use tower_webhook::inbox::{Failure, Inbox, PostgresInbox, PostgresWorker, StoredEvent};
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::PgPool::connect("postgres://localhost/shop").await?;
/// let inbox = PostgresInbox::new(pool);
/// inbox.migrate().await?;
/// inbox.check().await?;
///
/// let worker = PostgresWorker::new(inbox.clone());
/// let stop = async { tokio::signal::ctrl_c().await.unwrap_or(()) };
/// let working = tokio::spawn(worker.run(paid, stop));
///
/// let service = Inbox::new(Arc::new(inbox)); // behind a WebhookLayer
/// # let _ = (working, service);
/// # Ok(())
/// # }
///
/// async fn paid(stored: StoredEvent) -> Result<(), Failure> {
///     println!("{:?}", stored.event().event_type());
///     Ok(())
/// }
/// ```
///
/// A put is one statement and one commit, which waits for the disk even where
/// the session has `synchronous_commit` off.
///
/// # The table
///
/// | column | |
/// |---|---|
/// | `key` | digest of provider, endpoint, tenant and id |
/// | `provider`, `endpoint`, `tenant`, `event_id`, `event_type` | `NUL`, which the type does not know, is U+FFFD |
/// | `sent_at`, `received_at` | the sender's signed timestamp; the receiver's clock |
/// | `verified_by` | label of the secret that matched |
/// | `headers` | `{"name": ["value", …]}`; each byte of a value is the character of its number (ISO 8859-1) |
/// | `body` | the bytes, as they were sent |
/// | `state` | `pending`, `done` or `dead` |
/// | `attempts`, `run_after` | how often it was taken, and until when it is taken or waits |
/// | `last_error` | class of the last failure |
///
/// A second table, `…_replay`, holds what was signed of events whose provider
/// does not sign the id; its rows go with their event.
#[derive(Clone)]
pub struct PostgresInbox {
    pool: PgPool,
    statements: Arc<Statements>,
    /// Wakes the workers of this process.
    stored: Arc<Notify>,
}

impl PostgresInbox {
    /// In the table `webhook_inbox` of the schema that the role finds first.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::over(pool, TableName::known("webhook_inbox"))
    }

    fn over(pool: PgPool, table: TableName) -> Self {
        Self {
            pool,
            statements: Arc::new(Statements::new(table)),
            stored: Arc::new(Notify::new()),
        }
    }

    /// In the table `name`, which may have its schema in front
    /// (`hooks.inbox`).
    ///
    /// # Errors
    ///
    /// If a part of `name` has other characters than a-z, 0-9 and `_`, or more
    /// than 40.
    pub fn with_table(self, name: &str) -> Result<Self, ConfigError> {
        Ok(Self::over(self.pool, TableName::new(name)?))
    }

    /// The statements that make the tables, for a migration of your own. Each
    /// changes nothing where it was run before.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.statements.schema
    }

    /// Makes the tables, unless they are there. Machines may do so at the same
    /// time. The schema must exist.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or the role may not make them.
    pub async fn migrate(&self) -> Result<(), SetupError> {
        let migrate = async {
            let mut transaction = self.pool.begin().await?;
            // Two `IF NOT EXISTS` at once can both see that it does not.
            sqlx::query("SELECT pg_advisory_xact_lock(hashtext('tower-webhook'))")
                .execute(&mut *transaction)
                .await?;
            let schema = sqlx::AssertSqlSafe(Arc::clone(&self.statements.schema));
            sqlx::raw_sql(schema).execute(&mut *transaction).await?;
            transaction.commit().await
        };
        migrate.await.map_err(|error| self.explain(error))
    }

    /// Looks at the start whether the inbox can work: the server answers, takes
    /// writes, and has the tables as they must be.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to do about it.
    pub async fn check(&self) -> Result<(), SetupError> {
        const OLDEST: i32 = 120_000;
        let statements = &self.statements;
        let look = async {
            let server = query(&statements.server).fetch_one(&self.pool).await?;
            query(&statements.look).fetch_all(&self.pool).await?;
            let permitted = query(&statements.permitted).fetch_one(&self.pool).await?;
            Ok((
                server.try_get::<i32, _>(0)?,
                server.try_get(1)?,
                server.try_get::<bool, _>(2)?,
                permitted.try_get::<bool, _>(0)?,
            ))
        };
        let (version, found, read_only, permitted) =
            look.await.map_err(|error| self.explain(error))?;
        if version < OLDEST {
            let needed = "12";
            return Err(SetupError::ServerTooOld { found, needed });
        }
        if read_only {
            return Err(SetupError::ReadOnly);
        }
        if !permitted {
            return Err(SetupError::NotPermitted {
                table: statements.table.to_string(),
            });
        }
        Ok(())
    }

    /// Up to `limit` dead letters, the oldest first.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn dead(&self, limit: u32) -> Result<Vec<StoredEvent>, sqlx::Error> {
        let dead = query(&self.statements.dead).bind(i64::from(limit));
        let rows = dead.fetch_all(&self.pool).await?;
        rows.iter().map(StoredEvent::try_from).collect()
    }

    /// Has a dead letter processed again, with all its attempts. Answers
    /// whether there was one with this key.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn retry_dead(&self, key: &DedupKey) -> Result<bool, sqlx::Error> {
        Ok(self.retry(Some(key)).await? > 0)
    }

    /// Has all dead letters processed again. Answers how many there were.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn retry_all_dead(&self) -> Result<u64, sqlx::Error> {
        self.retry(None).await
    }

    async fn retry(&self, key: Option<&DedupKey>) -> Result<u64, sqlx::Error> {
        let key = key.map(|key| key.as_bytes().as_slice());
        let retry = query(&self.statements.retry).bind(key);
        let retried = retry.execute(&self.pool).await?.rows_affected();
        self.stored.notify_one();
        Ok(retried)
    }

    /// Deletes done events whose time to be remembered is over; a worker does
    /// so every minute. Answers how many there were.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn forget_done(&self) -> Result<u64, sqlx::Error> {
        const BATCH: u16 = 1000;
        let mut forgotten = 0;
        loop {
            let forget = query(&self.statements.forget).bind(i64::from(BATCH));
            let batch = forget.execute(&self.pool).await?.rows_affected();
            forgotten += batch;
            if batch < u64::from(BATCH) {
                return Ok(forgotten);
            }
        }
    }

    async fn insert(&self, event: &InboxEvent) -> Result<Put, sqlx::Error> {
        let replay = event.replay_key().map(|key| key.as_bytes().as_slice());
        let put = query(&self.statements.put)
            .bind(event.key().as_bytes().as_slice())
            .bind(replay)
            .bind(event.provider())
            .bind(text(event.endpoint()))
            .bind(event.tenant().map(|tenant| text(tenant.as_str())))
            .bind(event.event_id().map(|id| id.as_str()))
            .bind(event.event_type().map(text))
            .bind(event.timestamp().and_then(seconds))
            .bind(event.key_label().map(text))
            .bind(seconds(event.received_at()))
            .bind(json::to_json(event.headers()))
            .bind(event.body().as_ref())
            .bind(event.remember_for().min(TEN_YEARS).as_secs_f64());
        let stored = put.execute(&self.pool).await?.rows_affected() > 0;
        if !stored {
            return Ok(Put::AlreadyStored);
        }
        self.stored.notify_one();
        Ok(Put::Stored)
    }

    fn explain(&self, error: sqlx::Error) -> SetupError {
        let table = || self.statements.table.to_string();
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some("42P01") => SetupError::MissingTable { table: table() },
            Some("42703") => SetupError::OutdatedTable { table: table() },
            Some("42501") => SetupError::NotPermitted { table: table() },
            Some("25006") => SetupError::ReadOnly,
            _ => SetupError::Unreachable(error.into()),
        }
    }
}

impl Sink for PostgresInbox {
    fn put<'a>(&'a self, event: &'a InboxEvent) -> SinkFuture<'a, Put> {
        Box::pin(async { self.insert(event).await.map_err(SinkError::new) })
    }
}

impl fmt::Debug for PostgresInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresInbox")
            .field("table", &self.statements.table.to_string())
            .finish_non_exhaustive()
    }
}
