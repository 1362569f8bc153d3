//! Every cell of the state table: its answer, and the state it leads to as
//! the next claim by a third owner sees it.

use self::Event::*;
use self::Start::*;
use super::Answer::*;
use super::{A, Answer, B, C, OTHER_CONTENT, Suite, expect, fresh_key};
use crate::store::{
    Completed as Complete, DedupKey, Fingerprint, Owner, Released as Release, Renewed as Renew,
};

/// A state that the event is in when the tested step comes. Its first attempt
/// was A's.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    Absent,
    Live,
    Stale,
    Freed,
    Finished,
}

/// A step, by an owner.
#[derive(Clone, Copy, Debug)]
enum Event {
    Claim(Owner),
    ClaimOfOtherContent(Owner),
    ClaimOfAnyContent, // by B
    RenewBy(Owner),
    CompleteBy(Owner),
    ReleaseBy(Owner),
    Forget,
    TtlPasses,
}

/// A start, a step, its answer, and the answer to C's claim afterwards.
type Cell = (Start, Event, Option<Answer>, Answer);

/// The status of the event in [`Finished`], and of a completion that is tested.
const BEFORE: u16 = 201;
const NOW: u16 = 202;

const EXTENDED: Answer = Renewed(Renew::Extended);
const LOST: Answer = Renewed(Renew::Lost);
const DONE: Answer = Completed(Complete::Done);
const ALREADY_DONE: Answer = Completed(Complete::AlreadyDone);
const RECREATED: Answer = Completed(Complete::Recreated);
const LEASE_LOST: Answer = Completed(Complete::LeaseLost);
const RELEASED: Answer = Released(Release::Released);
const NOT_OWNER: Answer = Released(Release::NotOwner);

#[rustfmt::skip]
const CELLS: &[Cell] = &[
    (Absent, Claim(A), Some(Won(1)), Busy(1)),
    (Absent, RenewBy(A), Some(LOST), Won(1)),
    (Absent, CompleteBy(A), Some(RECREATED), Duplicate(NOW, 1)),
    (Absent, ReleaseBy(A), Some(NOT_OWNER), Won(1)),
    (Absent, Forget, Some(Forgot(false)), Won(1)),

    (Live, Claim(A), Some(Won(1)), Busy(1)),
    (Live, Claim(B), Some(Busy(1)), Busy(1)),
    (Live, ClaimOfOtherContent(A), Some(Conflict(1)), Busy(1)),
    (Live, ClaimOfOtherContent(B), Some(Conflict(1)), Busy(1)),
    (Live, ClaimOfAnyContent, Some(Busy(1)), Busy(1)),
    (Live, RenewBy(A), Some(EXTENDED), Busy(1)),
    (Live, RenewBy(B), Some(LOST), Busy(1)),
    (Live, CompleteBy(A), Some(DONE), Duplicate(NOW, 1)),
    (Live, CompleteBy(B), Some(LEASE_LOST), Busy(1)),
    (Live, ReleaseBy(A), Some(RELEASED), Won(2)),
    (Live, ReleaseBy(B), Some(NOT_OWNER), Busy(1)),
    (Live, Forget, Some(Forgot(true)), Won(1)),
    (Live, TtlPasses, None, Won(1)),

    (Stale, Claim(A), Some(Won(2)), Busy(2)),
    (Stale, Claim(B), Some(Won(2)), Busy(2)),
    (Stale, ClaimOfOtherContent(B), Some(Conflict(1)), Won(2)),
    (Stale, ClaimOfAnyContent, Some(Won(2)), Busy(2)),
    (Stale, RenewBy(A), Some(EXTENDED), Busy(1)),
    (Stale, RenewBy(B), Some(LOST), Won(2)),
    (Stale, CompleteBy(A), Some(DONE), Duplicate(NOW, 1)),
    (Stale, CompleteBy(B), Some(LEASE_LOST), Won(2)),
    (Stale, ReleaseBy(A), Some(RELEASED), Won(2)),
    (Stale, ReleaseBy(B), Some(NOT_OWNER), Won(2)),
    (Stale, Forget, Some(Forgot(true)), Won(1)),
    (Stale, TtlPasses, None, Won(1)),

    (Freed, Claim(A), Some(Won(2)), Busy(2)),
    (Freed, Claim(B), Some(Won(2)), Busy(2)),
    (Freed, ClaimOfOtherContent(B), Some(Conflict(1)), Won(2)),
    (Freed, ClaimOfAnyContent, Some(Won(2)), Busy(2)),
    (Freed, RenewBy(A), Some(LOST), Won(2)),
    (Freed, RenewBy(B), Some(LOST), Won(2)),
    (Freed, CompleteBy(A), Some(RECREATED), Duplicate(NOW, 1)),
    (Freed, CompleteBy(B), Some(RECREATED), Duplicate(NOW, 1)),
    (Freed, ReleaseBy(A), Some(NOT_OWNER), Won(2)),
    (Freed, ReleaseBy(B), Some(NOT_OWNER), Won(2)),
    (Freed, Forget, Some(Forgot(true)), Won(1)),
    (Freed, TtlPasses, None, Won(1)),

    (Finished, Claim(A), Some(Duplicate(BEFORE, 1)), Duplicate(BEFORE, 1)),
    (Finished, Claim(B), Some(Duplicate(BEFORE, 1)), Duplicate(BEFORE, 1)),
    (Finished, ClaimOfOtherContent(B), Some(Conflict(1)), Duplicate(BEFORE, 1)),
    (Finished, ClaimOfAnyContent, Some(Duplicate(BEFORE, 1)), Duplicate(BEFORE, 1)),
    (Finished, RenewBy(A), Some(LOST), Duplicate(BEFORE, 1)),
    (Finished, RenewBy(B), Some(LOST), Duplicate(BEFORE, 1)),
    (Finished, CompleteBy(A), Some(DONE), Duplicate(BEFORE, 1)),
    (Finished, CompleteBy(B), Some(ALREADY_DONE), Duplicate(BEFORE, 1)),
    (Finished, ReleaseBy(A), Some(NOT_OWNER), Duplicate(BEFORE, 1)),
    (Finished, ReleaseBy(B), Some(NOT_OWNER), Duplicate(BEFORE, 1)),
    (Finished, Forget, Some(Forgot(true)), Won(1)),
    (Finished, TtlPasses, None, Won(1)),
];

pub(super) async fn check(suite: &Suite<'_>) {
    for wait in [Wait::Nothing, Wait::Lease, Wait::Ttl] {
        let mut waiting = Vec::new();
        for cell in CELLS.iter().filter(|cell| wait_of(cell) == wait) {
            let key = fresh_key();
            prepare(suite, key, cell.0).await;
            match wait {
                Wait::Nothing => run(suite, key, cell).await,
                Wait::Lease | Wait::Ttl => waiting.push((key, cell)),
            }
        }
        match wait {
            Wait::Nothing => {}
            Wait::Lease => suite.pass_lease().await,
            Wait::Ttl => suite.pass_ttl().await,
        }
        for (key, cell) in waiting {
            run(suite, key, cell).await;
        }
    }
}

/// What a cell must wait for, together with all that wait for the same.
#[derive(Clone, Copy, PartialEq)]
enum Wait {
    Nothing,
    Lease,
    Ttl,
}

fn wait_of((start, event, ..): &Cell) -> Wait {
    match (start, event) {
        (_, TtlPasses) => Wait::Ttl,
        (Stale, _) => Wait::Lease,
        _ => Wait::Nothing,
    }
}

async fn prepare(suite: &Suite<'_>, key: DedupKey, start: Start) {
    if start == Absent {
        return;
    }
    let rule = "an event that nobody had before";
    expect(rule, suite.claim(key, A).await, Won(1));
    match start {
        Absent | Live | Stale => {}
        Freed => expect(
            "A gives its event back",
            suite.release(key, A).await,
            RELEASED,
        ),
        Finished => {
            let completed = suite.complete(key, A, BEFORE).await;
            expect("A completes its event", completed, DONE);
        }
    }
}

async fn run(suite: &Suite<'_>, key: DedupKey, (start, event, want, next): &Cell) {
    let got = match *event {
        Claim(owner) => Some(suite.claim(key, owner).await),
        ClaimOfOtherContent(owner) => {
            let claim = suite.claim_by(key, owner).with_fingerprint(OTHER_CONTENT);
            Some(suite.claim_as(&claim).await)
        }
        ClaimOfAnyContent => {
            let claim = suite.claim_by(key, B).with_fingerprint(Fingerprint::NONE);
            Some(suite.claim_as(&claim).await)
        }
        RenewBy(owner) => Some(suite.renew(key, owner).await),
        CompleteBy(owner) => Some(suite.complete(key, owner, NOW).await),
        ReleaseBy(owner) => Some(suite.release(key, owner).await),
        Forget => Some(suite.forget(key).await),
        TtlPasses => None,
    };
    if let (Some(got), Some(want)) = (got, want) {
        expect(format!("{start:?} event, {event:?}"), got, *want);
    }
    let rule = format!("{start:?} event, {event:?}, then Claim({C:?})");
    expect(rule, suite.claim(key, C).await, *next);
}
