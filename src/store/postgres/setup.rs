//! What happens once: connecting, making the table, looking whether all is
//! well.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, query, raw_sql};

use super::sql::{MIGRATION, Statement, VERSION_MARK};
use super::table::TableName;
use super::{PostgresSetupError, PostgresStore};

/// `date_bin`, which rounds the ends of rows, came with PostgreSQL 14.
const OLDEST_SERVER: i32 = 140_000;

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the connections of [`PostgresStore::connect`] are set to: layers wait
/// for two seconds by default, and should learn what went wrong.
const SETTINGS: [(&str, &str); 2] = [("lock_timeout", "1000ms"), ("statement_timeout", "1800ms")];

/// Any number that others are unlikely to lock: "twebhook".
const MIGRATION_LOCK: i64 = 0x7477_6562_686f_6f6b;

impl PostgresStore {
    /// A store over a pool of its own, to the server at `url`:
    /// `postgres://user:password@host:port/database`.
    ///
    /// Tries one connection, so that what is wrong with the address is known
    /// here. The pool has up to ten connections. None is tested before it is
    /// used, which would cost a round trip each time; a step that meets a dead
    /// one is repeated on one that answers. A statement may take 1.8 seconds,
    /// and wait one for a lock, unless the URL's `options` say otherwise. These
    /// settings are sent at connection, which PgBouncer refuses: give
    /// [`new`](Self::new) a pool of yours there.
    ///
    /// # Errors
    ///
    /// If the URL cannot be read, the server cannot be reached within ten
    /// seconds, or it refuses the login.
    pub async fn connect(url: &str) -> Result<Self, PostgresSetupError> {
        let options: PgConnectOptions = url.parse().map_err(|_| PostgresSetupError::InvalidUrl)?;
        let given = options.get_options().unwrap_or_default().to_owned();
        let missing = SETTINGS.iter().filter(|(name, _)| !given.contains(name));
        let options = options.options(missing.copied());
        let first = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options));
        let late = || sqlx::Error::Io(ErrorKind::TimedOut.into());
        let first = first.await.unwrap_or_else(|_| Err(late()));
        let first = first.map_err(PostgresSetupError::of_connection)?;
        let _ = first.close().await;
        let pool = PgPoolOptions::new()
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_millis(1_900))
            .connect_lazy_with(options);
        Ok(Self::new(pool))
    }

    /// Makes the table if it is not there, in its schema if that is not there
    /// either, and then [checks](Self::check) it.
    ///
    /// Can be called at every start, by several machines at the same time.
    ///
    /// # Errors
    ///
    /// If the user may not do that, or as [`check`](Self::check) says.
    pub async fn migrate(&self) -> Result<(), PostgresSetupError> {
        match self.check().await {
            Err(PostgresSetupError::NoSuchTable { .. }) => {}
            checked => return checked,
        }
        let made = self.make_table().await;
        made.map_err(PostgresSetupError::of_statement)?;
        self.check().await
    }

    async fn make_table(&self) -> Result<(), sqlx::Error> {
        let table = &self.statements.table;
        let mut transaction = self.pool.begin().await?;
        // The pool's own limits are for steps, not for this.
        raw_sql("SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '60s'")
            .execute(&mut *transaction)
            .await?;
        // `IF NOT EXISTS` alone fails when two do it at the same time.
        query("SELECT pg_advisory_xact_lock($1)")
            .bind(MIGRATION_LOCK)
            .execute(&mut *transaction)
            .await?;
        if let Some(schema) = table.schema() {
            let exists = query("SELECT FROM pg_namespace WHERE nspname = $1").bind(schema);
            if exists.fetch_optional(&mut *transaction).await?.is_none() {
                raw_sql(AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\"")))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        let migration = Statement::new(MIGRATION, table);
        raw_sql(migration.sql()).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Whether everything is there: a server that is new enough and takes
    /// writes, the table in the version that this crate needs, and the
    /// privileges. Best called before the first request.
    ///
    /// # Errors
    ///
    /// The first thing that is not, and what to do about it.
    pub async fn check(&self) -> Result<(), PostgresSetupError> {
        let table = &self.statements.table;
        let row = query(FACTS).bind(table.quoted());
        let row = row.fetch_one(&self.pool).await;
        let facts = row.and_then(|row| Facts::read(&row));
        facts
            .map_err(PostgresSetupError::of_statement)?
            .judge(table)
    }
}

/// What is needed of the table, in the order of the facts.
const PRIVILEGES: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

const FACTS: &str = "SELECT current_setting('server_version_num')::int4, pg_is_in_recovery(), \
    current_setting('transaction_read_only') = 'on', oid IS NOT NULL, \
    obj_description(oid, 'pg_class'), \
    has_table_privilege(oid, 'SELECT'), has_table_privilege(oid, 'INSERT'), \
    has_table_privilege(oid, 'UPDATE'), has_table_privilege(oid, 'DELETE') \
    FROM (SELECT to_regclass($1)::oid) AS found (oid)";

struct Facts {
    version: i32,
    in_recovery: bool,
    read_only: bool,
    exists: bool,
    comment: Option<String>,
    privileges: [bool; 4],
}

impl Facts {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        let privilege = |at| row.try_get(at).map(|held: Option<bool>| held == Some(true));
        Ok(Self {
            version: row.try_get(0)?,
            in_recovery: row.try_get(1)?,
            read_only: row.try_get(2)?,
            exists: row.try_get(3)?,
            comment: row.try_get(4)?,
            privileges: [privilege(5)?, privilege(6)?, privilege(7)?, privilege(8)?],
        })
    }

    fn judge(&self, table: &TableName) -> Result<(), PostgresSetupError> {
        let table = table.to_string();
        if self.version < OLDEST_SERVER {
            let found = self.version;
            return Err(PostgresSetupError::ServerTooOld { found });
        }
        if self.in_recovery {
            return Err(PostgresSetupError::HotStandby);
        }
        if self.read_only {
            return Err(PostgresSetupError::ReadOnly);
        }
        if !self.exists {
            return Err(PostgresSetupError::NoSuchTable { table });
        }
        let known = version_of(VERSION_MARK).unwrap_or_default();
        match self.comment.as_deref().and_then(version_of) {
            None => return Err(PostgresSetupError::UnknownTable { table }),
            Some(found) if found < known => {
                return Err(PostgresSetupError::OlderSchema {
                    table,
                    found,
                    needed: known,
                });
            }
            Some(found) if found > known => {
                return Err(PostgresSetupError::NewerSchema {
                    table,
                    found,
                    known,
                });
            }
            Some(_) => {}
        }
        let mut privileges = PRIVILEGES.into_iter().zip(self.privileges);
        match privileges.find(|(_, held)| !held) {
            Some((privilege, _)) => Err(PostgresSetupError::MissingPrivilege { table, privilege }),
            None => Ok(()),
        }
    }
}

fn version_of(comment: &str) -> Option<u32> {
    comment.strip_prefix("tower-webhook ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            version: 140_000,
            in_recovery: false,
            read_only: false,
            exists: true,
            comment: Some(VERSION_MARK.to_owned()),
            privileges: [true; 4],
        }
    }

    /// No such server can be started here.
    #[test]
    fn an_old_server_is_told_its_version() {
        let table = TableName::default();
        assert!(facts().judge(&table).is_ok());
        let old = Facts {
            version: 130_011,
            ..facts()
        };
        let error = old.judge(&table).unwrap_err();
        assert!(matches!(
            error,
            PostgresSetupError::ServerTooOld { found: 130_011 }
        ));
        assert!(error.to_string().contains("PostgreSQL 13;"));
    }

    #[test]
    fn the_migration_writes_the_mark_that_the_check_looks_for() {
        assert!(MIGRATION.contains(&format!("IS '{VERSION_MARK}'")));
        assert_eq!(version_of(VERSION_MARK), Some(1));
    }
}
