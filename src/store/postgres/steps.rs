//! The steps of the protocol, each one statement on the common path.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{Row, query};

use super::PostgresStore;
use super::bind::{Uuid, fingerprint, interval, status};
use super::sql::Statements;
use crate::postgres::statement::{Query, ROUNDS, fetch, fetch_once, has_code, is_blocked};
use crate::store::{
    Claim, Claimed, Completed, Completion, DedupKey, Fingerprint, Owner, Released, Renewed,
    StoreError,
};

/// The answer while somebody records the event in a transaction that is still
/// open. Its end and its attempt are not known.
pub(crate) const BLOCKED: Claimed = Claimed::Busy {
    remaining: Duration::from_secs(1),
    attempt: 0,
};

pub(super) async fn claim(store: &PostgresStore, claim: &Claim) -> Result<Claimed, StoreError> {
    let statements = &*store.statements;
    for _ in 0..ROUNDS {
        let won = fetch(&store.pool, || {
            query(statements.claim.sql())
                .bind(Uuid::of_key(&claim.key))
                .bind(Uuid::of_owner(claim.owner))
                .bind(fingerprint(claim.fingerprint))
                .bind(interval(claim.lease))
                .bind(interval(claim.ttl))
        });
        match won.await {
            Ok(Some(row)) => {
                return Ok(Claimed::Won {
                    attempt: attempt(&row).map_err(unavailable)?,
                });
            }
            Ok(None) => {}
            Err(error) if is_blocked(&error) => return Ok(BLOCKED),
            Err(error) => return Err(unavailable(error)),
        }
        let row = fetch(&store.pool, || {
            look(statements, &claim.key, claim.owner, claim.fingerprint)
        });
        let seen = row.await.and_then(Seen::read).map_err(unavailable)?;
        // What lives by another's completion does not promise more than this
        // claim asks for.
        if let Some(claimed) = seen.and_then(|seen| seen.claimed(claim.lease.max(claim.ttl))) {
            return Ok(claimed);
        }
    }
    Err(StoreError::unavailable(KeepsChanging))
}

pub(super) async fn renew(
    store: &PostgresStore,
    key: &DedupKey,
    owner: Owner,
    lease: Duration,
    ttl: Duration,
) -> Result<Renewed, StoreError> {
    let row = fetch(&store.pool, || {
        query(store.statements.renew.sql())
            .bind(Uuid::of_key(key))
            .bind(Uuid::of_owner(owner))
            .bind(interval(lease))
            .bind(interval(ttl))
    });
    Ok(match row.await.map_err(unavailable)? {
        Some(_) => Renewed::Extended,
        None => Renewed::Lost,
    })
}

pub(super) async fn complete(
    store: &PostgresStore,
    key: &DedupKey,
    owner: Owner,
    completion: Completion,
) -> Result<Completed, StoreError> {
    let statements = &*store.statements;
    let done = |statement: &super::sql::Statement| {
        query(statement.sql())
            .bind(Uuid::of_key(key))
            .bind(Uuid::of_owner(owner))
            .bind(fingerprint(completion.fingerprint))
            .bind(status(completion.status))
            .bind(interval(completion.ttl))
    };
    for _ in 0..ROUNDS {
        let finished = fetch(&store.pool, || done(&statements.finish));
        if finished.await.map_err(unavailable)?.is_some() {
            return Ok(Completed::Done);
        }
        let recreated = fetch(&store.pool, || done(&statements.recreate));
        if recreated.await.map_err(unavailable)?.is_some() {
            return Ok(Completed::Recreated);
        }
        let row = fetch(&store.pool, || {
            look(statements, key, owner, Fingerprint::NONE)
        });
        match row.await.and_then(Seen::read).map_err(unavailable)? {
            Some(seen) if seen.state == State::Done => {
                return Ok(match seen.mine {
                    true => Completed::Done,
                    false => Completed::AlreadyDone,
                });
            }
            Some(seen) if seen.state == State::InFlight && !seen.mine => {
                return Ok(Completed::LeaseLost);
            }
            _ => {}
        }
    }
    Err(StoreError::unavailable(KeepsChanging))
}

pub(super) async fn release(
    store: &PostgresStore,
    key: &DedupKey,
    owner: Owner,
) -> Result<Released, StoreError> {
    let row = fetch(&store.pool, || {
        query(store.statements.release.sql())
            .bind(Uuid::of_key(key))
            .bind(Uuid::of_owner(owner))
    });
    Ok(match row.await.map_err(unavailable)? {
        Some(_) => Released::Released,
        None => Released::NotOwner,
    })
}

pub(super) async fn forget(store: &PostgresStore, key: &DedupKey) -> Result<bool, StoreError> {
    // Repeated, it would call an event unknown that it has forgotten.
    let row = fetch_once(&store.pool, || {
        query(store.statements.forget.sql()).bind(Uuid::of_key(key))
    });
    match row.await.map_err(unavailable)? {
        Some(row) => row.try_get(0).map_err(unavailable),
        None => Ok(false),
    }
}

pub(crate) fn look<'a>(
    statements: &Statements,
    key: &DedupKey,
    owner: Owner,
    content: Fingerprint,
) -> Query<'a> {
    query(statements.look.sql())
        .bind(Uuid::of_key(key))
        .bind(Uuid::of_owner(owner))
        .bind(fingerprint(content))
}

/// A live row, as another than its owner sees it.
pub(crate) struct Seen {
    state: State,
    attempt: u32,
    status: u16,
    lease: Duration,
    life: Duration,
    mine: bool,
    agrees: bool,
}

#[derive(PartialEq)]
enum State {
    InFlight,
    Released,
    Done,
}

impl Seen {
    pub(crate) fn read(row: Option<PgRow>) -> Result<Option<Self>, sqlx::Error> {
        let Some(row) = row else {
            return Ok(None);
        };
        let micros = |micros: Option<i64>| {
            Duration::from_micros(micros.unwrap_or(0).try_into().unwrap_or(0))
        };
        Ok(Some(Self {
            state: match row.try_get::<i8, _>(0)?.cast_unsigned() {
                b'd' => State::Done,
                b'r' => State::Released,
                _ => State::InFlight,
            },
            attempt: attempt_of(row.try_get(1)?),
            status: row
                .try_get::<Option<i16>, _>(2)?
                .map_or(0, i16::cast_unsigned),
            lease: micros(row.try_get(3)?),
            life: micros(row.try_get(4)?),
            mine: row.try_get(5)?,
            agrees: row.try_get(6)?,
        }))
    }

    /// The answer to a claim, if the row is not one that could be claimed by
    /// now.
    pub(crate) fn claimed(&self, asked_for: Duration) -> Option<Claimed> {
        let attempt = self.attempt;
        if !self.agrees {
            return Some(Claimed::Conflict { attempt });
        }
        match self.state {
            State::Done => Some(Claimed::Duplicate {
                status: self.status,
                attempt,
                expires_in: self.life.min(asked_for),
            }),
            State::InFlight if !self.mine && !self.lease.is_zero() => Some(Claimed::Busy {
                remaining: self.lease,
                attempt,
            }),
            State::InFlight | State::Released => None,
        }
    }
}

pub(crate) fn attempt(row: &PgRow) -> Result<u32, sqlx::Error> {
    row.try_get(0).map(attempt_of)
}

fn attempt_of(number: i32) -> u32 {
    number.try_into().unwrap_or(0)
}

/// A disk without room is a store without room: the event could not be
/// remembered whatever the policy for a store that does not answer.
pub(crate) fn unavailable(error: sqlx::Error) -> StoreError {
    const DISK_FULL: &str = "53100";
    match has_code(&error, DISK_FULL) {
        true => StoreError::Full,
        false => StoreError::unavailable(error),
    }
}

/// Other machines changed the row between two statements, several times.
#[derive(Debug)]
pub(crate) struct KeepsChanging;

impl std::fmt::Display for KeepsChanging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the row changed between each two statements")
    }
}

impl std::error::Error for KeepsChanging {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between the two statements of a claim, the row has become one that can
    /// be claimed: the claim begins again.
    #[test]
    fn a_row_that_could_be_claimed_by_now_answers_nothing() {
        let second = Duration::from_secs(1);
        let row = |state, mine, lease| Seen {
            state,
            attempt: 2,
            status: 0,
            lease,
            life: second,
            mine,
            agrees: true,
        };
        let none = Duration::ZERO;
        for seen in [
            row(State::InFlight, true, second),
            row(State::InFlight, false, none),
            row(State::Released, false, none),
        ] {
            assert_eq!(seen.claimed(second), None);
        }
        let busy = Claimed::Busy {
            remaining: second,
            attempt: 2,
        };
        let seen = row(State::InFlight, false, second);
        assert_eq!(seen.claimed(second), Some(busy));
        // A row that is gone by then, too.
        assert!(Seen::read(None).unwrap().is_none());
        assert!(KeepsChanging.to_string().starts_with("the row changed"));
    }
}
