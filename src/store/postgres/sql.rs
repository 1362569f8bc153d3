//! The protocol as SQL, for users of other drivers.
//!
//! [`PostgresStore`](super::PostgresStore) runs these statements and no others.
//! They name the table [`TABLE`]; for another one, replace that word, and
//! [`INDEX`] first. Parameters are numbered as the comments say; a duration is
//! an `interval`, a key or owner a `uuid`, a fingerprint a `bigint` (0: none), a
//! status a `smallint`. Each statement is a transaction of its own, at the
//! isolation level `READ COMMITTED`.
//!
//! A claim is [`CLAIM`], and [`LOOK`] when that returns no row; never the two as
//! one statement: the second half would not see the row that the first one
//! waited for. When `LOOK` finds nothing either, or a row that could be claimed
//! by now, the claim starts again. A completion is [`FINISH`], then
//! [`RECREATE`], then [`LOOK`], until one returns a row.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::postgres::TableName;

/// The table that the statements name.
pub const TABLE: &str = "webhook_events";

/// The name of its second index in [`MIGRATION`].
pub const INDEX: &str = "webhook_events_expires_at";

/// What [`INDEX`] has behind [`TABLE`].
pub(super) const INDEX_SUFFIX: &str = "_expires_at";

/// The comment on the table that says which version of it this is.
pub const VERSION_MARK: &str = "tower-webhook 1";

/// Makes the table, if it is not there. Can be run again.
///
/// For a migration tool of your own; [`PostgresStore::migrate`] runs the same.
/// The columns are ordered so that none is padded. There is no `CHECK`: the
/// server would read it anew for each statement, a third of its work. A page keeps room for the
/// second version of its rows: a completion then changes no index.
///
/// [`PostgresStore::migrate`]: super::PostgresStore::migrate
pub const MIGRATION: &str = r#"
CREATE TABLE IF NOT EXISTS webhook_events (
    key uuid PRIMARY KEY,
    owner uuid NOT NULL,
    fingerprint bigint NOT NULL,
    lease_until timestamptz,
    expires_at timestamptz NOT NULL,
    attempt integer NOT NULL,
    status smallint,
    state "char" NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX IF NOT EXISTS webhook_events_expires_at ON webhook_events (expires_at);
COMMENT ON TABLE webhook_events IS 'tower-webhook 1';
"#;

/// The end of a row's life: at least `$life` from now, rounded up so that a
/// claim and a completion soon after it write the same indexed value.
macro_rules! expiry {
    ($life:literal) => {
        concat!(
            "date_bin(greatest(least(",
            $life,
            " / 64, interval '60 s'), interval '1 ms'), clock_timestamp() + ",
            $life,
            " + greatest(least(",
            $life,
            " / 64, interval '60 s'), interval '1 ms'), timestamptz 'epoch')"
        )
    };
}

/// Takes an event. `$1` key, `$2` owner, `$3` fingerprint, `$4` lease, `$5`
/// ttl. A row: won, and its attempt. No row: [`LOOK`].
pub const CLAIM: &str = concat!(
    "INSERT INTO webhook_events AS w \
     (key, owner, fingerprint, lease_until, expires_at, attempt, state) \
     VALUES ($1, $2, $3, clock_timestamp() + $4, ",
    expiry!("greatest($4::interval, $5::interval)"),
    ", 1, 'i') \
     ON CONFLICT (key) DO UPDATE SET \
     owner = EXCLUDED.owner, fingerprint = EXCLUDED.fingerprint, \
     lease_until = clock_timestamp() + $4, expires_at = ",
    expiry!("greatest($4::interval, $5::interval)"),
    ", status = NULL, state = 'i', \
     attempt = CASE \
     WHEN w.expires_at <= clock_timestamp() THEN 1 \
     WHEN w.state = 'i' AND w.lease_until > clock_timestamp() THEN w.attempt \
     ELSE least(w.attempt, 2147483646) + 1 END \
     WHERE w.expires_at <= clock_timestamp() \
     OR (w.fingerprint = EXCLUDED.fingerprint OR w.fingerprint = 0 OR EXCLUDED.fingerprint = 0) \
     AND (w.state = 'r' OR w.state = 'i' \
     AND (w.lease_until <= clock_timestamp() OR w.owner = EXCLUDED.owner)) \
     RETURNING attempt"
);

/// Why an event was not given. `$1` key, `$2` owner, `$3` fingerprint. A row:
/// its state (`i` in flight, `r` released, `d` done), its attempt, its status,
/// the microseconds until its lease and until its life end, whether it is the
/// owner's, and whether the fingerprints agree.
pub const LOOK: &str = "SELECT state, attempt, status, \
    (extract(epoch FROM lease_until - clock_timestamp()) * 1000000)::bigint, \
    (extract(epoch FROM expires_at - clock_timestamp()) * 1000000)::bigint, \
    owner = $2, \
    fingerprint = $3 OR fingerprint = 0 OR $3 = 0 \
    FROM webhook_events WHERE key = $1 AND expires_at > clock_timestamp()";

/// Extends a lease. `$1` key, `$2` owner, `$3` lease, `$4` ttl. No row: lost.
pub const RENEW: &str = concat!(
    "UPDATE webhook_events SET lease_until = clock_timestamp() + $3, expires_at = ",
    expiry!("greatest($3::interval, $4::interval)"),
    " WHERE key = $1 AND owner = $2 AND state = 'i' AND expires_at > clock_timestamp() \
     RETURNING attempt"
);

/// Marks an event done that is in flight for its owner. `$1` key, `$2` owner,
/// `$3` fingerprint, `$4` status, `$5` ttl. No row: [`RECREATE`].
pub const FINISH: &str = concat!(
    "UPDATE webhook_events SET fingerprint = $3, lease_until = NULL, status = $4, state = 'd', \
     expires_at = ",
    expiry!("$5::interval"),
    " WHERE key = $1 AND owner = $2 AND state = 'i' AND expires_at > clock_timestamp() \
     RETURNING attempt"
);

/// Marks an event done whose row has vanished or was released. Parameters as
/// for [`FINISH`]. No row: [`LOOK`].
pub const RECREATE: &str = concat!(
    "INSERT INTO webhook_events AS w \
     (key, owner, fingerprint, expires_at, attempt, status, state) \
     VALUES ($1, $2, $3, ",
    expiry!("$5::interval"),
    ", 1, $4, 'd') \
     ON CONFLICT (key) DO UPDATE SET \
     owner = EXCLUDED.owner, fingerprint = EXCLUDED.fingerprint, lease_until = NULL, \
     expires_at = ",
    expiry!("$5::interval"),
    ", status = EXCLUDED.status, state = 'd', \
     attempt = CASE WHEN w.expires_at <= clock_timestamp() THEN 1 ELSE w.attempt END \
     WHERE w.expires_at <= clock_timestamp() OR w.state = 'r' \
     RETURNING attempt"
);

/// Gives an event back. `$1` key, `$2` owner. No row: not the owner's.
pub const RELEASE: &str = "UPDATE webhook_events SET lease_until = NULL, state = 'r' \
    WHERE key = $1 AND owner = $2 AND state = 'i' AND expires_at > clock_timestamp() \
    RETURNING attempt";

/// Forgets an event. `$1` key. A row: whether it had not expired yet.
pub const FORGET: &str =
    "DELETE FROM webhook_events WHERE key = $1 RETURNING expires_at > clock_timestamp()";

/// Deletes up to a thousand rows that have expired, and answers how many.
///
/// `now()` is a condition of the index, `clock_timestamp()` would be a filter
/// on every row. What others hold is left for the next time.
pub const REAP: &str = "WITH gone AS (DELETE FROM webhook_events WHERE ctid = ANY (ARRAY( \
    SELECT ctid FROM webhook_events WHERE expires_at < now() \
    ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)) RETURNING 1) \
    SELECT count(*) FROM gone";

/// Records an event as done inside a transaction of the caller's: the
/// transactional inbox. `$1` key, `$2` owner, `$3` fingerprint, `$4` status,
/// `$5` ttl. A row: the event is fresh, and its attempt. No row: [`LOOK`].
pub const RECORD: &str = concat!(
    "INSERT INTO webhook_events AS w \
     (key, owner, fingerprint, expires_at, attempt, status, state) \
     VALUES ($1, $2, $3, ",
    expiry!("$5::interval"),
    ", 1, $4, 'd') \
     ON CONFLICT (key) DO UPDATE SET \
     owner = EXCLUDED.owner, fingerprint = EXCLUDED.fingerprint, lease_until = NULL, \
     expires_at = ",
    expiry!("$5::interval"),
    ", status = EXCLUDED.status, state = 'd', \
     attempt = CASE WHEN w.expires_at <= clock_timestamp() THEN 1 \
     ELSE least(w.attempt, 2147483646) + 1 END \
     WHERE w.expires_at <= clock_timestamp() \
     OR (w.fingerprint = EXCLUDED.fingerprint OR w.fingerprint = 0 OR EXCLUDED.fingerprint = 0) \
     AND (w.state = 'r' OR w.state = 'i' AND w.lease_until <= clock_timestamp()) \
     RETURNING attempt"
);

/// The statements with the name of one table in them.
#[derive(Clone, Debug)]
pub(crate) struct Statements {
    pub(crate) table: TableName,
    pub(crate) claim: Statement,
    pub(crate) look: Statement,
    pub(crate) renew: Statement,
    pub(crate) finish: Statement,
    pub(crate) recreate: Statement,
    pub(crate) release: Statement,
    pub(crate) forget: Statement,
    pub(crate) reap: Statement,
    pub(crate) record: Statement,
}

impl Statements {
    pub(crate) fn new(table: TableName) -> Self {
        let of = |sql| Statement::new(sql, &table);
        Self {
            claim: of(CLAIM),
            look: of(LOOK),
            renew: of(RENEW),
            finish: of(FINISH),
            recreate: of(RECREATE),
            release: of(RELEASE),
            forget: of(FORGET),
            reap: of(REAP),
            record: of(RECORD),
            table,
        }
    }
}

/// SQL with the name of a table in it, and nothing else that is not a constant.
#[derive(Clone, Debug)]
pub(crate) struct Statement(Arc<str>);

impl Statement {
    pub(crate) fn new(sql: &str, table: &TableName) -> Self {
        // In one pass: the table's own name may contain the default one.
        let sql: Vec<_> = sql
            .split(INDEX)
            .map(|part| part.replace(TABLE, table.quoted()))
            .collect();
        let sql = sql.join(&format!("\"{}{INDEX_SUFFIX}\"", table.name()));
        Self(sql.into())
    }

    pub(crate) fn sql(&self) -> SqlStr {
        AssertSqlSafe(Arc::clone(&self.0)).into_sql_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        TableName::parse(name, INDEX_SUFFIX).unwrap()
    }

    #[test]
    fn a_name_is_quoted_as_it_is_written() {
        let table = table("Billing.order");
        let claim = Statement::new(CLAIM, &table).sql();
        let start = r#"INSERT INTO "Billing"."order" AS w"#;
        assert!(claim.as_str().starts_with(start));
        let migration = Statement::new(MIGRATION, &table).sql();
        let index = r#"IF NOT EXISTS "order_expires_at" ON "Billing"."order" (expires_at)"#;
        assert!(migration.as_str().contains(index));
        assert!(!migration.as_str().contains(TABLE));
    }

    #[test]
    fn a_name_may_contain_the_default_one() {
        let migration = Statement::new(MIGRATION, &table("webhook_events_2")).sql();
        let index = r#"EXISTS "webhook_events_2_expires_at" ON "webhook_events_2" (expires_at)"#;
        assert!(migration.as_str().contains(index));
    }

    #[test]
    fn the_default_table_leaves_the_constants_as_they_are() {
        let claim = Statement::new(CLAIM, &TableName::known(TABLE)).sql();
        assert_eq!(claim.as_str(), CLAIM);
        assert_eq!(INDEX, format!("{TABLE}{INDEX_SUFFIX}"));
    }

    #[test]
    fn the_migration_writes_the_mark_that_the_check_looks_for() {
        assert!(MIGRATION.contains(&format!("IS '{VERSION_MARK}'")));
    }
}
