//! What happens once: connecting, making tables, looking whether all is well.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row, SqlStr, query, raw_sql};

use super::{PostgresSetupError, TableName};

/// `date_bin`, which rounds the ends of a store's rows, came with PostgreSQL
/// 14.
const OLDEST_SERVER: i32 = 140_000;

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What connections are set to: layers wait for two seconds by default, and
/// should learn what went wrong.
const SETTINGS: [(&str, &str); 2] = [("lock_timeout", "1000ms"), ("statement_timeout", "1800ms")];

/// Any number that others are unlikely to lock: "twebhook".
const MIGRATION_LOCK: i64 = 0x7477_6562_686f_6f6b;

/// A pool to the server at `url`, which has let one connection in.
pub(crate) async fn connect(url: &str) -> Result<PgPool, PostgresSetupError> {
    let options: PgConnectOptions = url.parse().map_err(|_| PostgresSetupError::InvalidUrl)?;
    let given = options.get_options().unwrap_or_default().to_owned();
    let missing = SETTINGS.iter().filter(|(name, _)| !given.contains(name));
    let options = options.options(missing.copied());
    let first = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options));
    let late = || sqlx::Error::Io(ErrorKind::TimedOut.into());
    let first = first.await.unwrap_or_else(|_| Err(late()));
    let first = first.map_err(PostgresSetupError::of_connection)?;
    let _ = first.close().await;
    Ok(PgPoolOptions::new()
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_millis(1_900))
        .connect_lazy_with(options))
}

/// Tables of one schema that belong together.
pub(crate) struct Tables<'a> {
    pub(crate) names: Vec<&'a TableName>,
    /// The comment on each, which ends with its version.
    pub(crate) mark: &'static str,
    /// Makes those that are not there.
    pub(crate) migration: SqlStr,
}

impl Tables<'_> {
    /// Makes the tables if they are not there, and their schema, and then
    /// [checks](Self::check) them.
    pub(crate) async fn migrate(self, pool: &PgPool) -> Result<(), PostgresSetupError> {
        match self.check(pool).await {
            Err(PostgresSetupError::NoSuchTable { .. }) => {}
            checked => return checked,
        }
        let made = self.make(pool).await;
        made.map_err(PostgresSetupError::of_statement)?;
        self.check(pool).await
    }

    async fn make(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut transaction = pool.begin().await?;
        // The pool's own limits are for steps, not for this.
        raw_sql("SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '60s'")
            .execute(&mut *transaction)
            .await?;
        // `IF NOT EXISTS` alone fails when two do it at the same time.
        query("SELECT pg_advisory_xact_lock($1)")
            .bind(MIGRATION_LOCK)
            .execute(&mut *transaction)
            .await?;
        if let Some(schema) = self.names.first().and_then(|table| table.schema()) {
            let exists = query("SELECT FROM pg_namespace WHERE nspname = $1").bind(schema);
            if exists.fetch_optional(&mut *transaction).await?.is_none() {
                raw_sql(AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\"")))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        let migration = raw_sql(self.migration.clone());
        migration.execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Whether the server is new enough and takes writes, and each table is
    /// there in its version, with the privileges to use it.
    pub(crate) async fn check(&self, pool: &PgPool) -> Result<(), PostgresSetupError> {
        for table in &self.names {
            let row = query(FACTS).bind(table.quoted());
            let row = row.fetch_one(pool).await;
            let facts = row.and_then(|row| Facts::read(&row));
            facts
                .map_err(PostgresSetupError::of_statement)?
                .judge(table, self.mark)?;
        }
        Ok(())
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

    fn judge(&self, table: &TableName, mark: &str) -> Result<(), PostgresSetupError> {
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
        let (kind, known) = version_of(mark).unwrap_or_default();
        let found = self.comment.as_deref().and_then(version_of);
        match found.filter(|(found, _)| *found == kind) {
            None => return Err(PostgresSetupError::UnknownTable { table }),
            Some((_, found)) if found < known => {
                return Err(PostgresSetupError::OlderSchema {
                    table,
                    found,
                    needed: known,
                });
            }
            Some((_, found)) if found > known => {
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

/// What kind of table it is, and in which version.
fn version_of(comment: &str) -> Option<(&str, u32)> {
    let (kind, version) = comment.rsplit_once(' ')?;
    Some((kind, version.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "kind of table 2";

    fn facts() -> Facts {
        Facts {
            version: 140_000,
            in_recovery: false,
            read_only: false,
            exists: true,
            comment: Some(MARK.to_owned()),
            privileges: [true; 4],
        }
    }

    fn judge(facts: &Facts) -> Result<(), PostgresSetupError> {
        facts.judge(&TableName::known("t"), MARK)
    }

    /// No such server can be started here.
    #[test]
    fn an_old_server_is_told_its_version() {
        assert!(judge(&facts()).is_ok());
        let old = Facts {
            version: 130_011,
            ..facts()
        };
        let error = judge(&old).unwrap_err();
        assert!(matches!(
            error,
            PostgresSetupError::ServerTooOld { found: 130_011 }
        ));
        assert!(error.to_string().contains("PostgreSQL 13;"));
    }

    #[test]
    fn a_table_of_another_kind_is_not_taken_for_an_old_one() {
        let commented = |comment: &str| {
            let comment = Some(comment.to_owned());
            judge(&Facts { comment, ..facts() }).unwrap_err()
        };
        for comment in [
            "kind 2",
            "kind 1",
            "kind of table",
            "2",
            "",
            "kind of table x",
        ] {
            let error = commented(comment);
            assert!(
                matches!(error, PostgresSetupError::UnknownTable { .. }),
                "{comment:?}: {error:?}"
            );
        }
        assert!(matches!(
            commented("kind of table 1"),
            PostgresSetupError::OlderSchema {
                found: 1,
                needed: 2,
                ..
            }
        ));
        assert!(matches!(
            commented("kind of table 3"),
            PostgresSetupError::NewerSchema {
                found: 3,
                known: 2,
                ..
            }
        ));
    }
}
