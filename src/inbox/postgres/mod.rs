mod failure;
mod run;
mod sql;
mod stored;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr};
use tokio::sync::Notify;

use self::sql::{LONGEST_SUFFIX, Statements, TABLE, VERSION_MARK, query};
use self::stored::{seconds, text};
pub use self::{failure::Failure, stored::StoredEvent, worker::PostgresWorker};
use super::{InboxEvent, Put, Sink, SinkError, SinkFuture, json};
use crate::ConfigError;
use crate::postgres::start::{self, Tables};
use crate::postgres::statement::fetch;
use crate::postgres::{PostgresSetupError, TableName};
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
/// inbox.migrate().await?; // or `check`, where you migrate by yourself
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
    /// With a pool of its own, to the server at `url`, which is as that of
    /// [`PostgresStore::connect`]: a statement may take 1.8 seconds, also in the
    /// transactions of a [`PostgresWorker`], unless the URL says otherwise.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::connect`].
    ///
    /// [`PostgresStore::connect`]: crate::store::PostgresStore::connect
    pub async fn connect(url: &str) -> Result<Self, PostgresSetupError> {
        Ok(Self::new(start::connect(url).await?))
    }

    /// In the table `webhook_inbox` of the schema that the role finds first.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::over(pool, TableName::known(TABLE))
    }

    fn over(pool: PgPool, table: TableName) -> Self {
        Self {
            pool,
            statements: Arc::new(Statements::new(table)),
            stored: Arc::new(Notify::new()),
        }
    }

    /// In the table `name`, which may have its schema in front
    /// (`hooks.inbox`). The name is case-sensitive.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidTableName`] if a part is not made of ASCII letters,
    /// digits and `_`, or too long.
    pub fn with_table(self, name: &str) -> Result<Self, ConfigError> {
        let table = TableName::parse(name, LONGEST_SUFFIX)?;
        Ok(Self::over(self.pool, table))
    }

    /// The statements that make the tables, for a migration of your own. Each
    /// changes nothing where it was run before.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.statements.schema
    }

    /// Makes the tables if they are not there, in their schema if that is not
    /// there either, and then [checks](Self::check) them.
    ///
    /// Can be called at every start, by several machines at the same time.
    ///
    /// # Errors
    ///
    /// If the user may not do that, or as [`check`](Self::check) says.
    pub async fn migrate(&self) -> Result<(), PostgresSetupError> {
        self.tables().migrate(&self.pool).await
    }

    /// Whether everything is there: PostgreSQL 14 or later, which takes writes,
    /// the tables in the version that this crate needs, and the privileges.
    /// Best called before the first request.
    ///
    /// # Errors
    ///
    /// The first thing that is not, and what to do about it.
    pub async fn check(&self) -> Result<(), PostgresSetupError> {
        self.tables().check(&self.pool).await
    }

    fn tables(&self) -> Tables<'_> {
        let statements = &self.statements;
        Tables {
            names: vec![&statements.table, &statements.replay],
            mark: VERSION_MARK,
            migration: AssertSqlSafe(Arc::clone(&statements.schema)).into_sql_str(),
        }
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
        let headers = json::to_json(event.headers());
        let put = || {
            query(&self.statements.put)
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
                .bind(&headers)
                .bind(event.body().as_ref())
                .bind(event.remember_for().min(TEN_YEARS).as_secs_f64())
        };
        let stored = fetch(&self.pool, put).await?.is_some();
        if !stored {
            return Ok(Put::AlreadyStored);
        }
        self.stored.notify_one();
        Ok(Put::Stored)
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
            .field("table", &self.statements.table)
            .finish_non_exhaustive()
    }
}
