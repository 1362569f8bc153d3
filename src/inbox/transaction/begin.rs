//! Opening the transaction, and recording the event in it.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgTransaction, Postgres, Row, Transaction, query,
};

use super::{Fresh, NotFresh, TransactionalInbox};
use crate::Delivery;
use crate::dedup::{Identity, next_owner};
use crate::delivery::Tenant;
use crate::postgres::statement::{self, ROUNDS, is_blocked, is_collision};
use crate::store::postgres::bind::{Uuid, fingerprint, interval, status};
use crate::store::postgres::steps::{BLOCKED, KeepsChanging, Seen, attempt, look, unavailable};
use crate::store::{Claim, Claimed, DedupKey, DedupStore, Fingerprint, Owner, StoreError};

/// How long the signed bytes of another attempt are held, if their signature does
/// not stay fresh for longer: as a layer's lease.
const HELD: Duration = Duration::from_secs(30);

/// A row that is to be written.
#[derive(Clone, Copy)]
struct Record {
    key: DedupKey,
    owner: Owner,
    fingerprint: Fingerprint,
    status: u16,
    ttl: Duration,
}

impl TransactionalInbox {
    /// Opens a transaction and records the event in it.
    ///
    /// # Errors
    ///
    /// [`NotFresh`] if the event must not be processed now; nothing is open
    /// then.
    pub async fn begin(
        &self,
        delivery: &Delivery,
        tenant: Option<&Tenant>,
    ) -> Result<Fresh, NotFresh> {
        let identity = self.identity(delivery, tenant)?;
        let failed = |error| NotFresh::unavailable(unavailable(error), delivery);
        self.store.after_claim();
        for _ in 0..ROUNDS {
            let mut transaction = self.open().await.map_err(failed)?;
            let Some(identity) = &identity else {
                return Ok(Fresh {
                    transaction,
                    attempt: 0,
                });
            };
            let mut pending = Pending::new(self, delivery, identity);
            let recorded = pending.record(&mut transaction).await;
            match recorded {
                Ok(Claimed::Won { attempt }) => {
                    return Ok(Fresh {
                        transaction,
                        attempt,
                    });
                }
                Err(error) if is_collision(&error) => {}
                recorded => {
                    let _ = transaction.rollback().await;
                    return Err(pending.refuse(recorded).await);
                }
            }
        }
        let cause = StoreError::unavailable(KeepsChanging);
        Err(NotFresh::unavailable(cause, delivery))
    }

    /// Records the event in a transaction that is open already, and answers its
    /// attempt, as [`Fresh::attempt`] does.
    ///
    /// Commit it only if every statement in it succeeded: PostgreSQL answers
    /// the `COMMIT` of one in which a statement failed with success, and rolls
    /// back. [`Fresh::commit`] looks.
    ///
    /// # Errors
    ///
    /// [`NotFresh`] if the event must not be processed now. The transaction is
    /// then as it was before, unless the connection was lost. At an isolation
    /// level above `READ COMMITTED`, an event that was recorded since the
    /// transaction began is [`Busy`](NotFresh::Busy).
    pub async fn begin_in(
        &self,
        transaction: &mut PgTransaction<'_>,
        delivery: &Delivery,
        tenant: Option<&Tenant>,
    ) -> Result<u32, NotFresh> {
        let Some(identity) = self.identity(delivery, tenant)? else {
            return Ok(0);
        };
        self.store.after_claim();
        let mut pending = Pending::new(self, delivery, &identity);
        let recorded = match pending.record_within(transaction).await {
            Err(error) if is_collision(&error) => Ok(BLOCKED),
            recorded => recorded,
        };
        match recorded {
            Ok(Claimed::Won { attempt }) => Ok(attempt),
            recorded => Err(pending.refuse(recorded).await),
        }
    }

    fn identity<'a>(
        &'a self,
        delivery: &'a Delivery,
        tenant: Option<&'a Tenant>,
    ) -> Result<Option<Identity<'a>>, NotFresh> {
        Identity::of(delivery, &self.endpoint, tenant)
            .map_err(|kind| NotFresh::invalid(kind, delivery))
    }

    async fn open(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let pool = self.store.pool();
        let begin = || {
            AssertSqlSafe(format!(
                "BEGIN; SET LOCAL lock_timeout = {}; \
                 SET LOCAL idle_in_transaction_session_timeout = {}",
                millis(self.lock_timeout()),
                millis(self.idle_timeout),
            ))
        };
        statement::begin(pool, begin).await
    }

    fn lock_timeout(&self) -> Duration {
        self.lock_timeout.max(Self::SHORTEST_LOCK_TIMEOUT)
    }
}

/// A delivery whose event is being recorded.
struct Pending<'a> {
    inbox: &'a TransactionalInbox,
    delivery: &'a Delivery,
    identity: &'a Identity<'a>,
    owner: Owner,
    ttl: Duration,
    /// Whether the row of the signed bytes was recorded.
    holds_replay: bool,
}

impl<'a> Pending<'a> {
    fn new(
        inbox: &'a TransactionalInbox,
        delivery: &'a Delivery,
        identity: &'a Identity<'a>,
    ) -> Self {
        Self {
            inbox,
            delivery,
            identity,
            owner: next_owner(),
            ttl: inbox.ttl.max(delivery.scheme().freshness_window()),
            holds_replay: false,
        }
    }

    /// Records behind a savepoint, so that a refusal leaves the transaction as
    /// it was, and gives the `lock_timeout` back.
    async fn record_within(
        &mut self,
        transaction: &mut PgTransaction<'_>,
    ) -> Result<Claimed, sqlx::Error> {
        let mut savepoint = transaction.begin().await?;
        let before: String =
            query("SELECT current_setting('lock_timeout'), set_config('lock_timeout', $1, true)")
                .bind(millis(self.inbox.lock_timeout()).to_string())
                .fetch_one(&mut *savepoint)
                .await?
                .try_get(0)?;
        let recorded = self.record(&mut savepoint).await;
        if !matches!(recorded, Ok(Claimed::Won { .. })) {
            savepoint.rollback().await?;
            return recorded;
        }
        query("SELECT set_config('lock_timeout', $1, true)")
            .bind(before)
            .execute(&mut *savepoint)
            .await?;
        savepoint.commit().await?;
        recorded
    }

    /// The replay row before the event's: a replay under another id then
    /// leaves no trace under that id.
    async fn record(&mut self, connection: &mut PgConnection) -> Result<Claimed, sqlx::Error> {
        if let Some(key) = self.identity.replay {
            let replay = self.row(key, Fingerprint::NONE);
            let mut recorded = self.record_row(connection, replay).await?;
            if matches!(recorded, Claimed::Duplicate { .. })
                && let Some(rerun) = self.identity.rerun()
                && self.forget(connection, &rerun).await?
            {
                self.forget(connection, &key).await?;
                recorded = self.record_row(connection, replay).await?;
            }
            if !matches!(recorded, Claimed::Won { .. }) {
                return Ok(recorded);
            }
            self.holds_replay = true;
        }
        let event = self.row(self.identity.event, self.identity.fingerprint);
        self.record_row(connection, event).await
    }

    fn row(&self, key: DedupKey, fingerprint: Fingerprint) -> Record {
        Record {
            key,
            owner: self.owner,
            fingerprint,
            status: self.delivery.scheme().success_status().as_u16(),
            ttl: self.ttl,
        }
    }

    async fn record_row(
        &self,
        connection: &mut PgConnection,
        row: Record,
    ) -> Result<Claimed, sqlx::Error> {
        let statements = self.inbox.store.statements();
        for _ in 0..ROUNDS {
            let recorded = query(statements.record.sql())
                .bind(Uuid::of_key(&row.key))
                .bind(Uuid::of_owner(row.owner))
                .bind(fingerprint(row.fingerprint))
                .bind(status(row.status))
                .bind(interval(row.ttl))
                .fetch_optional(&mut *connection)
                .await?;
            if let Some(recorded) = recorded {
                let attempt = attempt(&recorded)?;
                return Ok(Claimed::Won { attempt });
            }
            let seen = look(statements, &row.key, row.owner, row.fingerprint);
            let seen = Seen::read(seen.fetch_optional(&mut *connection).await?)?;
            if let Some(claimed) = seen.and_then(|seen| seen.claimed(row.ttl)) {
                return Ok(claimed);
            }
        }
        Ok(BLOCKED)
    }

    async fn forget(
        &self,
        connection: &mut PgConnection,
        key: &DedupKey,
    ) -> Result<bool, sqlx::Error> {
        let statements = self.inbox.store.statements();
        let forgot = query(statements.forget.sql()).bind(Uuid::of_key(key));
        match forgot.fetch_optional(connection).await? {
            Some(row) => row.try_get(0),
            None => Ok(false),
        }
    }

    /// Once what was recorded is undone.
    async fn refuse(&self, recorded: Result<Claimed, sqlx::Error>) -> NotFresh {
        let settled = match recorded {
            Ok(claimed) => Ok(claimed),
            Err(error) if is_blocked(&error) => Ok(BLOCKED),
            Err(error) => Err(unavailable(error)),
        };
        let settled = match settled {
            Ok(claimed) => self.settle_replay(claimed).await.map(|()| claimed),
            Err(error) => Err(error),
        };
        match settled {
            Ok(claimed) => NotFresh::of_claim(claimed, self.delivery),
            Err(error) => NotFresh::unavailable(error, self.delivery),
        }
    }

    /// Either the sender signed another attempt anew, which somebody could
    /// capture and send under another id; or these are captured bytes of an
    /// event of its own, under the id of another. So they are not free, and not
    /// done, which would lose that event: they are held while they are fresh.
    async fn settle_replay(&self, claimed: Claimed) -> Result<(), StoreError> {
        let Some(key) = self.identity.replay.filter(|_| self.holds_replay) else {
            return Ok(());
        };
        match claimed {
            Claimed::Duplicate { .. } | Claimed::Busy { .. } => {
                let held = self.delivery.scheme().freshness_window().max(HELD);
                let claim = Claim::new(key, self.owner, held, self.ttl);
                self.inbox.store.claim(&claim).await.map(drop)
            }
            Claimed::Conflict { .. } | Claimed::Won { .. } => Ok(()),
        }
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis())
        .unwrap_or(i32::MAX)
        .max(1)
}
