//! What a store remembers of the one event of this model, and its rules: those of
//! the library, compiled from its own source.

use std::time::Duration;

use tower_webhook::Timestamp;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, Fingerprint, Owner, Released, Renewed,
};

#[path = "../../../src/store/memory/protocol.rs"]
#[expect(dead_code, reason = "the table asks what this model does not")]
mod protocol;

use self::protocol::{Record, State};

/// Ticks of time.
pub type Ticks = u8;

/// No time ever ends. (The library has no such thing.)
pub const FOREVER: Ticks = Ticks::MAX;

/// Who holds a lease: the number of a delivery.
pub type Who = u8;

/// A row, with its ends as seen from now: that keeps the states finite.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Row {
    pub owner: Who,
    pub is: Is,
    /// How long it still lives, at least 1.
    pub life: Ticks,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Is {
    /// With what is left of the lease; nothing, once it is over.
    InFlight {
        lease: Ticks,
    },
    Released,
    Done,
}

impl Row {
    /// One tick later.
    pub fn after_a_tick(mut self) -> Option<Self> {
        if let Is::InFlight { lease } = &mut self.is
            && *lease < FOREVER
        {
            *lease = lease.saturating_sub(1);
        }
        if self.life < FOREVER {
            self.life -= 1;
        }
        (self.life > 0).then_some(self)
    }
}

/// A step that a delivery asks of the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Op {
    Claim,
    Renew,
    Complete,
    Release,
}

pub const OPS: [Op; 4] = [Op::Claim, Op::Renew, Op::Complete, Op::Release];

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Answer {
    Won,
    Busy,
    Duplicate,
    /// To a renewal.
    Extended,
    Lost,
    /// To a completion: by this owner, or once more for a row that was gone or free.
    Done,
    Recreated,
    AlreadyDone,
    LeaseLost,
    Released,
    NotOwner,
}

/// How long leases hold and rows live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    pub lease: Ticks,
    pub ttl: Ticks,
}

/// One atomic step of a store: what it answers, and what is there then.
pub type Rules = fn(Option<Row>, Op, Who, Times) -> (Answer, Option<Row>);

const NOW: Timestamp = Timestamp::from_unix_millis(1_000_000);
const TICK: Duration = Duration::from_secs(1);
/// The attempt that every row is at before a step.
const ATTEMPT: u32 = 5;
const STATUS: u16 = 200;
pub const KEY: DedupKey = DedupKey::from_bytes([7; 32]);

/// The rules of the library.
///
/// # Panics
///
/// If they do what no caller of this model could see: another attempt, status or
/// life than the state table says.
pub fn library(row: Option<Row>, op: Op, who: Who, times: Times) -> (Answer, Option<Row>) {
    let record = row.map(record);
    let (owner, lease, ttl) = (owner(who), span(times.lease), span(times.ttl));
    let before = record.as_ref();
    match op {
        Op::Claim => {
            let step = protocol::claim(before, &Claim::new(KEY, owner, lease, ttl), NOW);
            let again = row.is_some_and(
                |row| matches!(row.is, Is::InFlight { lease: 1.. } if row.owner == who),
            );
            let attempt = match row {
                None => 1,
                Some(_) if again => ATTEMPT,
                Some(_) => ATTEMPT + 1,
            };
            let answer = claimed(step.answer, attempt, row);
            (answer, written(step.write, attempt, row))
        }
        Op::Renew => {
            let step = protocol::renew(before, owner, lease, ttl, NOW);
            (renewed(step.answer), written(step.write, ATTEMPT, row))
        }
        Op::Complete => {
            let completion = Completion::new(Fingerprint::NONE, STATUS, ttl);
            let step = protocol::complete(before, owner, completion, NOW);
            let attempt = row.map_or(1, |_| ATTEMPT);
            (completed(step.answer), written(step.write, attempt, row))
        }
        Op::Release => {
            let step = protocol::release(before, owner);
            (released(step.answer), written(step.write, ATTEMPT, row))
        }
    }
}

pub fn claimed(claimed: Claimed, wanted: u32, row: Option<Row>) -> Answer {
    match claimed {
        Claimed::Won { attempt } => {
            assert_eq!(attempt, wanted, "the fencing number of {row:?}");
            Answer::Won
        }
        Claimed::Busy { remaining, .. } => {
            let left = match row.map(|row| row.is) {
                Some(Is::InFlight { lease }) => span(lease),
                _ => Duration::ZERO,
            };
            assert_eq!(remaining, left, "what is left of the lease of {row:?}");
            Answer::Busy
        }
        Claimed::Duplicate {
            status, expires_in, ..
        } => {
            let left = row.map_or(Duration::ZERO, |row| span(row.life));
            assert_eq!((status, expires_in), (STATUS, left), "{row:?}");
            Answer::Duplicate
        }
        other => panic!("{other:?} for {row:?}"),
    }
}

pub fn renewed(renewed: Renewed) -> Answer {
    match renewed {
        Renewed::Extended => Answer::Extended,
        Renewed::Lost => Answer::Lost,
        other => panic!("{other:?}"),
    }
}

pub fn completed(completed: Completed) -> Answer {
    match completed {
        Completed::Done => Answer::Done,
        Completed::Recreated => Answer::Recreated,
        Completed::AlreadyDone => Answer::AlreadyDone,
        Completed::LeaseLost => Answer::LeaseLost,
        other => panic!("{other:?}"),
    }
}

pub fn released(released: Released) -> Answer {
    match released {
        Released::Released => Answer::Released,
        Released::NotOwner => Answer::NotOwner,
        other => panic!("{other:?}"),
    }
}

pub fn owner(who: Who) -> Owner {
    Owner::from_u128(u128::from(who) + 1)
}

pub fn span(ticks: Ticks) -> Duration {
    TICK * u32::from(ticks)
}

pub fn completion(times: Times) -> Completion {
    Completion::new(Fingerprint::NONE, STATUS, span(times.ttl))
}

fn record(row: Row) -> Record {
    Record {
        owner: owner(row.owner),
        fingerprint: Fingerprint::NONE,
        attempt: ATTEMPT,
        state: match row.is {
            Is::InFlight { .. } => State::InFlight,
            Is::Released => State::Released,
            Is::Done => State::Done { status: STATUS },
        },
        lease_until: match row.is {
            Is::InFlight { lease } => NOW.saturating_add(span(lease)),
            Is::Released | Is::Done => NOW,
        },
        expires_at: NOW.saturating_add(span(row.life)),
    }
}

fn written(record: Option<Record>, attempt: u32, before: Option<Row>) -> Option<Row> {
    let Some(record) = record else { return before };
    assert_eq!(record.attempt, attempt, "the attempt after {before:?}");
    let ticks = |end: Timestamp| {
        let left = end.saturating_duration_since(NOW).as_secs();
        Ticks::try_from(left).expect("short times")
    };
    let row = Row {
        owner: Who::try_from(record.owner.as_u128() - 1).expect("one of few"),
        is: match record.state {
            State::InFlight => Is::InFlight {
                lease: ticks(record.lease_until),
            },
            State::Released => Is::Released,
            State::Done { .. } => Is::Done,
        },
        life: ticks(record.expires_at),
    };
    (row.life > 0).then_some(row)
}
