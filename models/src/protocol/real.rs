//! The store of the crate, beside the model: every row that the model knows, and
//! every step from there.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tower_webhook::Timestamp;
use tower_webhook::store::{Claim, DedupStore, MemoryStore, StoreFuture};
use tower_webhook::testing::ManualClock;

use crate::check::CONFIGS;
use crate::row::{
    Answer, Is, KEY, OPS, Op, Row, Times, Who, claimed, completed, completion, library, owner,
    released, renewed, span,
};

/// More than there are in the model, as no rule knows how many there are.
const OWNERS: Who = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Asked(Op, Who),
    Tick,
    Forgotten,
}

fn steps() -> impl Iterator<Item = Step> {
    let asked = OPS
        .into_iter()
        .flat_map(|op| (0..OWNERS).map(move |who| Step::Asked(op, who)));
    asked.chain([Step::Tick, Step::Forgotten])
}

pub fn agrees() -> Result<String, String> {
    let (mut rows, mut compared) = (0, 0);
    for (_, config) in CONFIGS {
        let times = config.times;
        let ways = ways(times);
        rows += ways.len();
        for way in ways.values() {
            for step in steps() {
                compare(times, way, step)?;
                compared += 1;
            }
        }
    }
    if rows < 20 {
        return Err(format!("  only {rows} rows"));
    }
    Ok(format!("{rows} rows, {compared} steps from them"))
}

/// Every row, and how it comes about.
fn ways(times: Times) -> HashMap<Option<Row>, Vec<Step>> {
    let mut ways = HashMap::from([(None, Vec::new())]);
    let mut open = VecDeque::from([None]);
    while let Some(row) = open.pop_front() {
        for step in steps() {
            let (_, next) = modelled(row, step, times);
            if !ways.contains_key(&next) {
                let mut way: Vec<Step> = ways[&row].clone();
                way.push(step);
                ways.insert(next, way);
                open.push_back(next);
            }
        }
    }
    ways
}

fn modelled(row: Option<Row>, step: Step, times: Times) -> (Option<Answer>, Option<Row>) {
    match step {
        Step::Asked(op, who) => {
            let (answer, row) = library(row, op, who, times);
            (Some(answer), row)
        }
        Step::Tick => (None, row.and_then(|row| row.after_a_tick())),
        Step::Forgotten => (None, None),
    }
}

fn compare(times: Times, way: &[Step], last: Step) -> Result<(), String> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(0)));
    let store = MemoryStore::new(10).expect("some room");
    let store = store.with_clock(clock.clone());
    let (mut row, mut attempt) = (None, 0);
    // The last is what the step has left: a stranger's claim shows it.
    let shown = Step::Asked(Op::Claim, OWNERS);
    for step in way.iter().chain([&last, &shown]) {
        let before = row;
        let (wanted, after) = modelled(row, *step, times);
        row = after;
        let answer = match *step {
            Step::Tick => {
                clock.advance(span(1));
                None
            }
            Step::Forgotten => {
                let known = now(store.forget(&KEY));
                if known != before.is_some() {
                    return Err(format!("  {way:?}, {last:?}: forgot {known}"));
                }
                None
            }
            Step::Asked(op, who) => {
                let next = next_attempt(before, op, who, attempt);
                if row != before {
                    attempt = next;
                }
                Some(asked(&store, op, who, times, before, next))
            }
        };
        if answer != wanted {
            return Err(format!("  {way:?}, {last:?}: {answer:?}, not {wanted:?}"));
        }
    }
    Ok(())
}

/// The fencing number after a step that changes something.
fn next_attempt(row: Option<Row>, op: Op, who: Who, attempt: u32) -> u32 {
    match (row, op) {
        (None, _) => 1,
        (Some(row), Op::Claim) => {
            let held = matches!(row.is, Is::InFlight { lease: 1.. });
            attempt + u32::from(!(held && row.owner == who))
        }
        _ => attempt,
    }
}

fn asked(
    store: &MemoryStore,
    op: Op,
    who: Who,
    times: Times,
    row: Option<Row>,
    attempt: u32,
) -> Answer {
    let (lease, ttl) = (span(times.lease), span(times.ttl));
    match op {
        Op::Claim => {
            let claim = Claim::new(KEY, owner(who), lease, ttl);
            claimed(now(store.claim(&claim)), attempt, row)
        }
        Op::Renew => renewed(now(store.renew(&KEY, owner(who), lease, ttl))),
        Op::Complete => completed(now(store.complete(&KEY, owner(who), completion(times)))),
        Op::Release => released(now(store.release(&KEY, owner(who)))),
    }
}

fn now<T>(step: StoreFuture<'_, T>) -> T {
    match pin!(step).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(answer)) => answer,
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => panic!("a store in memory that waits"),
    }
}
