//! Everything that a history of one event comes to.

use std::array;

use crate::row::{Answer, Is, OPS, Op, Row, Ticks, Who};

/// How many deliveries there may be at once. A delivery that is over makes room
/// for another, so that a history has as many as it likes.
pub const SLOTS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub row: Option<Row>,
    pub slots: [Slot; SLOTS],
    /// The sender was told that the event is taken care of.
    pub acknowledged: bool,
    /// A handler has succeeded.
    pub effect: bool,
    /// Something has happened after which an event may run again.
    pub excused: bool,
    /// How much more may go wrong, where that is bounded.
    pub faults: u8,
}

/// A delivery: its process, and its steps on their way to the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slot {
    pub phase: Phase,
    /// The step whose answer is awaited, and the answer, if it is on its way.
    pub pending: Option<(Op, Option<Answer>)>,
    /// For how long the lease holds, as far as the delivery knows.
    pub believed: Ticks,
    /// The same, if the renewal that is under way is granted.
    pub hoped: Ticks,
    /// The lease was over, or the row gone.
    pub excused: bool,
    /// The row was gone, which nobody could know.
    pub robbed: bool,
    /// Steps that nobody waits for any more and that may still reach the store,
    /// by `Op`.
    pub stale: [u8; 4],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Not part of this model.
    Absent,
    Free,
    /// Waits for the answer to its claim, which may be the repeated one.
    Claiming {
        again: bool,
    },
    /// Its handler runs.
    Running,
    Completing,
    /// Has answered, and goes on asking for the completion.
    CompletingLater,
    Releasing,
    /// Answered, or dead.
    Over,
}

impl Slot {
    pub const fn empty(phase: Phase) -> Self {
        Self {
            phase,
            pending: None,
            believed: 0,
            hoped: 0,
            excused: false,
            robbed: false,
            stale: [0; 4],
        }
    }

    pub fn runs(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Ends, one way or another.
    pub fn end(&mut self) {
        *self = Self {
            stale: self.stale,
            ..Self::empty(Phase::Over)
        };
    }
}

impl State {
    pub fn new(slots: usize, faults: u8) -> Self {
        Self {
            row: None,
            slots: array::from_fn(|at| {
                Slot::empty(match at < slots {
                    true => Phase::Free,
                    false => Phase::Absent,
                })
            }),
            acknowledged: false,
            effect: false,
            excused: false,
            faults,
        }
    }

    pub fn stale(&self) -> u8 {
        self.slots.iter().flat_map(|slot| slot.stale).sum()
    }

    pub fn stale_steps(&self, who: Who) -> impl Iterator<Item = Op> + use<> {
        let stale = self.slots[usize::from(who)].stale;
        OPS.into_iter().filter(move |op| stale[*op as usize] > 0)
    }

    pub fn holds(&self, who: Who) -> bool {
        self.row
            .is_some_and(|row| matches!(row.is, Is::InFlight { lease: 1.. } if row.owner == who))
    }

    /// The same state, whichever numbers its deliveries have.
    pub fn canonical(&self) -> Self {
        let owner = self.row.map(|row| usize::from(row.owner));
        let mut order: [usize; SLOTS] = array::from_fn(|at| at);
        order.sort_unstable_by_key(|&at| (self.slots[at], Some(at) == owner));
        let mut canonical = *self;
        canonical.slots = order.map(|at| self.slots[at]);
        if let (Some(row), Some(owner)) = (&mut canonical.row, owner) {
            let place = order.iter().position(|&at| at == owner);
            row.owner = place.expect("every slot has a place") as Who;
        }
        canonical
    }
}
