//! What was asked and answered, and whether one thing at a time could have led to it.

use std::fmt;

use crate::spec::Spec;
use crate::store::{Claimed, Completed, Released, Renewed};

/// A key, by its number.
pub(crate) type Key = u8;
/// An owner, by its number.
pub(crate) type Who = u8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Claim(Key, Who),
    Renew(Key, Who),
    Complete(Key, Who),
    Release(Key, Who),
    Forget(Key),
    /// Time passes, in seconds.
    Pass(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Claimed(Claimed),
    Renewed(Renewed),
    Completed(Completed),
    Released(Released),
    Forgot(bool),
    Full,
    Passed,
}

/// One call: from when to when, by a count of all beginnings and ends.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) op: Op,
    pub(crate) answer: Answer,
    pub(crate) began: usize,
    pub(crate) ended: usize,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            op,
            answer,
            began,
            ended,
        } = self;
        write!(f, "{began:>2}..{ended:<2} {op:?} -> {answer:?}")
    }
}

/// Whether some order of `calls`, in which none comes before one that had ended when
/// it began, gives these answers one at a time.
pub(crate) fn is_linearizable(calls: &[Call], spec: &Spec) -> bool {
    if calls.is_empty() {
        return true;
    }
    let first_end = calls.iter().map(|call| call.ended).min();
    (0..calls.len())
        .filter(|&at| Some(calls[at].began) < first_end)
        .any(|at| {
            let mut rest = calls.to_vec();
            let call = rest.remove(at);
            let outcomes = spec.after(call.op).into_iter();
            outcomes
                .filter(|(answer, _)| *answer == call.answer)
                .any(|(_, spec)| is_linearizable(&rest, &spec))
        })
}
