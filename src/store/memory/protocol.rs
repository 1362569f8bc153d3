//! The state table of [`store`](crate::store), as pure functions from a live
//! row (or none) to an answer and what to write.

use std::time::Duration;

use crate::Timestamp;
use crate::store::{Claim, Claimed, Completed, Completion, Fingerprint, Owner, Released, Renewed};

/// What is remembered of one event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) owner: Owner,
    pub(super) fingerprint: Fingerprint,
    pub(super) attempt: u32,
    pub(super) state: State,
    /// Means something only in flight. Inside `State` it would cost 8 bytes.
    pub(super) lease_until: Timestamp,
    pub(super) expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    InFlight,
    Released,
    Done { status: u16 },
}

/// One step of the protocol. Without `write`, nothing changes.
pub(super) struct Step<T> {
    pub(super) answer: T,
    pub(super) write: Option<Record>,
}

impl<T> Step<T> {
    const fn refuse(answer: T) -> Self {
        Self {
            answer,
            write: None,
        }
    }

    const fn write(answer: T, record: Record) -> Self {
        Self {
            answer,
            write: Some(record),
        }
    }
}

impl Record {
    pub(super) const fn is_released(&self) -> bool {
        matches!(self.state, State::Released)
    }

    fn is_in_flight_for(&self, owner: Owner) -> bool {
        matches!(self.state, State::InFlight) && self.owner == owner
    }
}

pub(super) fn claim(row: Option<&Record>, claim: &Claim, now: Timestamp) -> Step<Claimed> {
    let attempt = match row {
        None => 1,
        Some(row) => {
            let attempt = row.attempt;
            if !row.fingerprint.agrees_with(claim.fingerprint) {
                return Step::refuse(Claimed::Conflict { attempt });
            }
            match row.state {
                State::Done { status } => {
                    let expires_in = row.expires_at.saturating_duration_since(now);
                    return Step::refuse(Claimed::Duplicate {
                        status,
                        attempt,
                        expires_in,
                    });
                }
                State::InFlight if now < row.lease_until => {
                    if row.owner != claim.owner {
                        let remaining = row.lease_until.saturating_duration_since(now);
                        return Step::refuse(Claimed::Busy { remaining, attempt });
                    }
                    attempt
                }
                State::InFlight | State::Released => attempt.saturating_add(1),
            }
        }
    };
    let record = Record {
        owner: claim.owner,
        fingerprint: claim.fingerprint,
        attempt,
        state: State::InFlight,
        lease_until: now.saturating_add(claim.lease),
        expires_at: row_end(now, claim.lease, claim.ttl),
    };
    Step::write(Claimed::Won { attempt }, record)
}

pub(super) fn renew(
    row: Option<&Record>,
    owner: Owner,
    lease: Duration,
    ttl: Duration,
    now: Timestamp,
) -> Step<Renewed> {
    match row {
        Some(row) if row.is_in_flight_for(owner) => {
            let record = Record {
                lease_until: now.saturating_add(lease),
                expires_at: row_end(now, lease, ttl),
                ..*row
            };
            Step::write(Renewed::Extended, record)
        }
        _ => Step::refuse(Renewed::Lost),
    }
}

pub(super) fn complete(
    row: Option<&Record>,
    owner: Owner,
    completion: Completion,
    now: Timestamp,
) -> Step<Completed> {
    let done = Record {
        owner,
        fingerprint: completion.fingerprint,
        attempt: row.map_or(1, |row| row.attempt),
        state: State::Done {
            status: completion.status,
        },
        lease_until: now,
        expires_at: now.saturating_add(completion.ttl),
    };
    match row.map(|row| (row.state, row.owner == owner)) {
        None | Some((State::Released, _)) => Step::write(Completed::Recreated, done),
        Some((State::InFlight, true)) => Step::write(Completed::Done, done),
        Some((State::InFlight, false)) => Step::refuse(Completed::LeaseLost),
        Some((State::Done { .. }, true)) => Step::refuse(Completed::Done),
        Some((State::Done { .. }, false)) => Step::refuse(Completed::AlreadyDone),
    }
}

pub(super) fn release(row: Option<&Record>, owner: Owner) -> Step<Released> {
    match row {
        Some(row) if row.is_in_flight_for(owner) => {
            let record = Record {
                state: State::Released,
                ..*row
            };
            Step::write(Released::Released, record)
        }
        _ => Step::refuse(Released::NotOwner),
    }
}

/// A row outlives its lease, or an event in flight would read as absent.
fn row_end(now: Timestamp, lease: Duration, ttl: Duration) -> Timestamp {
    now.saturating_add(lease.max(ttl))
}
