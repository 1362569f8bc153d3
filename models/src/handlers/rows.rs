//! What the store was asked, and has answered, row by row.

use std::time::Duration;

use tower_webhook::Timestamp;
use tower_webhook::store::{Claimed, Completed, DedupKey, Renewed};

use crate::store::{Answer, Asked, Call};

/// The rows that a delivery has asked for, in this order.
pub fn rows(calls: &[Call], by: usize) -> Vec<DedupKey> {
    let mut rows = Vec::new();
    for call in calls.iter().filter(|call| call.by == by) {
        if let Asked::Claim(claim) = call.asked
            && !rows.contains(&claim.key)
        {
            rows.push(claim.key);
        }
    }
    rows
}

/// Those that both have asked for.
pub fn shared(calls: &[Call], one: usize, other: usize) -> Vec<DedupKey> {
    let mut shared = rows(calls, one);
    let others = rows(calls, other);
    shared.retain(|key| others.contains(key));
    shared
}

/// The steps of one delivery on one row.
pub fn steps(calls: &[Call], by: usize, key: DedupKey) -> impl Iterator<Item = &Call> {
    let of = calls.iter().filter(move |call| call.by == by);
    of.filter(move |call| call.asked.key() == key)
}

impl Call {
    pub fn has_won(&self) -> bool {
        matches!(self.answer, Some(Answer::Claimed(Claimed::Won { .. })))
    }

    pub fn has_extended(&self) -> bool {
        self.answer == Some(Answer::Renewed(Renewed::Extended))
    }

    pub fn has_completed(&self) -> bool {
        matches!(
            self.answer,
            Some(Answer::Completed(Completed::Done | Completed::Recreated))
        )
    }

    pub fn asks_to_complete(&self) -> bool {
        matches!(self.asked, Asked::Complete(..))
    }

    pub fn asks_to_hold(&self, least: Duration) -> bool {
        matches!(self.asked, Asked::Renew(_, _, lease, _) if lease >= least)
    }

    /// Whether whoever asked was told.
    pub fn is_known(&self) -> bool {
        self.answer.is_some() && !self.lost
    }
}

/// When the delivery last won or extended its hold on the row.
pub fn held_at(calls: &[Call], by: usize, key: DedupKey) -> Option<Timestamp> {
    let holds = steps(calls, by, key).filter(|call| call.has_won() || call.has_extended());
    holds.map(|call| call.at).max()
}
