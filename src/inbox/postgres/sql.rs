//! Every statement, with the name of the table in it.

use std::sync::Arc;

use sqlx::AssertSqlSafe;

use crate::postgres::TableName;
use crate::postgres::statement::Query;

/// The table of events, unless told.
pub(super) const TABLE: &str = "webhook_inbox";

/// What the second table has behind the name of the first.
const REPLAY_SUFFIX: &str = "_replay";

/// The longest that [`SCHEMA`] derives from a table's name.
pub(super) const LONGEST_SUFFIX: &str = "_replay_event";

/// The comment on both tables that says which version of them this is.
pub(super) const VERSION_MARK: &str = "tower-webhook inbox 1";

const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS {table} (
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  provider text NOT NULL,
  endpoint text NOT NULL,
  tenant text,
  event_id text,
  event_type text,
  sent_at timestamptz,
  verified_by text,
  received_at timestamptz NOT NULL,
  headers jsonb NOT NULL,
  body bytea NOT NULL,
  remember_for interval NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  attempts_before integer NOT NULL DEFAULT 0,
  run_after timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_error text,
  forget_after timestamptz
);
CREATE INDEX IF NOT EXISTS \"{name}_pending\" ON {table} (run_after) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS \"{name}_done\" ON {table} (forget_after) WHERE state = 'done';
CREATE INDEX IF NOT EXISTS \"{name}_dead\" ON {table} (received_at) WHERE state = 'dead';
CREATE TABLE IF NOT EXISTS {replay} (
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  event bytea NOT NULL REFERENCES {table} ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS \"{name}_replay_event\" ON {replay} (event);
COMMENT ON TABLE {table} IS '{mark}';
COMMENT ON TABLE {replay} IS '{mark}';
";

/// The replay key first: a replay under another id finds it taken, and leaves
/// nothing under that id. One statement, so both are there or none; the
/// reference between them is checked at its end. Other bytes under an id that is
/// there are remembered only if they were sent at a time that is signed, for which
/// they stay fresh: else they may be captured ones of an event of its own, which
/// must not be known then. The commit waits for the disk even if the session would
/// not.
const PUT: &str = "\
WITH replay AS (
  INSERT INTO {replay} (key, event) SELECT $2, $1
  WHERE $2 IS NOT NULL AND ($8 IS NOT NULL OR NOT EXISTS (SELECT FROM {table} WHERE key = $1))
  ON CONFLICT DO NOTHING RETURNING 1
)
INSERT INTO {table} (key, provider, endpoint, tenant, event_id, event_type, sent_at, verified_by,
  received_at, headers, body, remember_for)
SELECT $1, $3, $4, $5, $6, $7, to_timestamp($8), $9,
  to_timestamp($10), $11::jsonb, $12, make_interval(secs => $13)
FROM (SELECT set_config('synchronous_commit',
  CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
  ELSE current_setting('synchronous_commit') END, true) AS waits) AS commit
WHERE commit.waits <> 'off' AND ($2 IS NULL OR EXISTS (SELECT FROM replay))
ON CONFLICT DO NOTHING RETURNING 1";

const COLUMNS: &str = "\
key, provider, endpoint, tenant, event_id, event_type, \
extract(epoch FROM sent_at)::float8 AS sent_at, verified_by, \
extract(epoch FROM received_at)::float8 AS received_at, headers::text AS headers, body, \
extract(epoch FROM remember_for)::float8 AS remember_for, state, attempts, last_error";

/// An event whose last attempt ended without a word (its process died) has no
/// further one.
const CLAIM: &str = "\
UPDATE {table} SET
  state = CASE WHEN attempts - attempts_before >= $1 THEN 'dead' ELSE 'pending' END,
  last_error = CASE WHEN attempts - attempts_before >= $1 THEN 'lease_lost' ELSE last_error END,
  attempts = attempts + (attempts - attempts_before < $1)::int,
  run_after = clock_timestamp() + make_interval(secs => $2)
WHERE key = ANY (ARRAY(
  SELECT key FROM {table} WHERE state = 'pending' AND run_after <= now()
  ORDER BY run_after LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING {columns}, attempts - attempts_before AS tries";

const RENEW: &str = "\
UPDATE {table} SET run_after = clock_timestamp() + make_interval(secs => $3)
WHERE key = $1 AND attempts = $2 AND state = 'pending'";

const DONE: &str = "\
UPDATE {table} SET state = 'done', last_error = NULL,
  forget_after = clock_timestamp() + greatest(make_interval(secs => $3), remember_for)
WHERE key = $1 AND attempts = $2 AND state = 'pending'";

const FAILED: &str = "\
UPDATE {table} SET state = $3, last_error = $4,
  run_after = clock_timestamp() + make_interval(secs => $5 * (0.75 + random() / 2))
WHERE key = $1 AND attempts = $2 AND state = 'pending'";

const FORGET: &str = "\
DELETE FROM {table} WHERE key = ANY (ARRAY(
  SELECT key FROM {table} WHERE state = 'done' AND forget_after < now()
  ORDER BY forget_after LIMIT $1 FOR UPDATE SKIP LOCKED))";

const DEAD: &str = "\
SELECT {columns}, attempts - attempts_before AS tries FROM {table}
WHERE state = 'dead' ORDER BY received_at LIMIT $1";

/// The count of attempts goes on: it is the fence against a late worker.
const RETRY: &str = "\
UPDATE {table} SET state = 'pending', attempts_before = attempts, run_after = clock_timestamp()
WHERE state = 'dead' AND ($1::bytea IS NULL OR key = $1)";

type Sql = Arc<str>;

/// Made of nothing but this file and a [`TableName`].
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) table: TableName,
    pub(super) replay: TableName,
    pub(super) schema: Sql,
    pub(super) put: Sql,
    pub(super) claim: Sql,
    pub(super) renew: Sql,
    pub(super) done: Sql,
    pub(super) failed: Sql,
    pub(super) forget: Sql,
    pub(super) dead: Sql,
    pub(super) retry: Sql,
}

impl Statements {
    pub(super) fn new(table: TableName) -> Self {
        let replay = table.with_suffix(REPLAY_SUFFIX);
        let fill = |template: &str| {
            let text = template
                .replace("{columns}", COLUMNS)
                .replace("{mark}", VERSION_MARK)
                .replace("{table}", table.quoted())
                .replace("{replay}", replay.quoted())
                .replace("{name}", table.name());
            Sql::from(text)
        };
        Self {
            schema: fill(SCHEMA),
            put: fill(PUT),
            claim: fill(CLAIM),
            renew: fill(RENEW),
            done: fill(DONE),
            failed: fill(FAILED),
            forget: fill(FORGET),
            dead: fill(DEAD),
            retry: fill(RETRY),
            table,
            replay,
        }
    }
}

/// A statement of [`Statements`], ready to be bound.
pub(super) fn query(sql: &Sql) -> Query<'_> {
    sqlx::query(AssertSqlSafe(Arc::clone(sql)))
}
