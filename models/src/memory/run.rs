//! Programs on threads, in the order that a scheduler chooses.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler};
use shuttle::sync::atomic::AtomicI64;
use shuttle::{Config, Runner};

use crate::history::{Answer, Call, Op, is_linearizable};
use crate::spec::{LEASE, START, Spec, TTL, claim, completion, dedup_key, owner};
use crate::store::{DedupStore, MemoryStore, StoreError, StoreFuture};
use crate::{Clock, Timestamp};

/// A store to be tried, with `capacity`, and a clock.
pub(crate) type Make = fn(usize, Arc<dyn Clock>) -> Arc<dyn DedupStore>;

/// The library's.
pub(crate) fn memory(capacity: usize, clock: Arc<dyn Clock>) -> Arc<dyn DedupStore> {
    let store = MemoryStore::new(capacity).expect("some capacity");
    Arc::new(store.with_clock(clock))
}

#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) capacity: usize,
    pub(crate) before: &'static [Op],
    pub(crate) threads: &'static [&'static [Op]],
    pub(crate) after: &'static [Op],
}

#[derive(Clone, Copy)]
pub(crate) enum Schedules {
    /// Every one there is; more than so many is a failure.
    All(usize),
    /// So many at random, and as many that are led astray at one to three points
    /// (PCT).
    Some(usize),
}

#[derive(Default)]
pub(crate) struct Tried {
    pub(crate) schedules: usize,
    /// The different answers, thread by thread.
    pub(crate) outcomes: BTreeSet<String>,
    /// How many histories no order explains.
    pub(crate) wrong: usize,
    /// The last of those.
    pub(crate) history: String,
}

/// Runs `program` on stores of `make`, and checks each history.
pub(crate) fn run(make: Make, program: Program, schedules: Schedules) -> Tried {
    let tried = Arc::new(Mutex::new(Tried::default()));
    let shared = Arc::clone(&tried);
    let once = move || {
        let (outcome, calls) = execute(make, &program);
        let explained = is_linearizable(&calls, &Spec::new(program.capacity));
        let mut tried = shared.lock().expect("one thread");
        tried.schedules += 1;
        tried.outcomes.insert(outcome);
        if !explained {
            tried.wrong += 1;
            let lines: Vec<_> = calls.iter().map(|call| format!("    {call:?}")).collect();
            tried.history = lines.join("\n");
        }
    };
    match schedules {
        Schedules::All(most) => {
            let scheduler = DfsScheduler::new(Some(most), false);
            let ran = Runner::new(scheduler, config()).run(once);
            assert!(ran < most, "there are more than {most} schedules");
        }
        Schedules::Some(some) => {
            let scheduler = RandomScheduler::new_from_seed(SEED, some);
            Runner::new(scheduler, config()).run(once.clone());
            for depth in 1..=3 {
                let scheduler = PctScheduler::new_from_seed(SEED, depth, some / 3);
                Runner::new(scheduler, config()).run(once.clone());
            }
        }
    }
    std::mem::take(&mut tried.lock().expect("one thread"))
}

const SEED: u64 = 20_261_122;

fn config() -> Config {
    let mut config = Config::new();
    // The store's counter is relaxed, and shuttle takes it for sequentially consistent.
    config.silence_warnings = true;
    config.failure_persistence = shuttle::FailurePersistence::None;
    config
}

/// A clock whose reading is a point where another thread may go on.
#[derive(Debug)]
struct ModelClock(AtomicI64);

impl Clock for ModelClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

struct World {
    store: Arc<dyn DedupStore>,
    clock: Arc<ModelClock>,
    count: AtomicUsize,
    calls: Mutex<Vec<Call>>,
}

impl World {
    fn call(&self, op: Op) -> Answer {
        let began = self.count.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer(op);
        let ended = self.count.fetch_add(1, Ordering::SeqCst);
        self.calls.lock().expect("one thread").push(Call {
            op,
            answer,
            began,
            ended,
        });
        answer
    }

    fn answer(&self, op: Op) -> Answer {
        let store = &self.store;
        let answer = match op {
            Op::Claim(key, who) => now(store.claim(&claim(key, who))).map(Answer::Claimed),
            Op::Renew(key, who) => {
                now(store.renew(&dedup_key(key), owner(who), LEASE, TTL)).map(Answer::Renewed)
            }
            Op::Complete(key, who) => {
                now(store.complete(&dedup_key(key), owner(who), completion()))
                    .map(Answer::Completed)
            }
            Op::Release(key, who) => {
                now(store.release(&dedup_key(key), owner(who))).map(Answer::Released)
            }
            Op::Forget(key) => now(store.forget(&dedup_key(key))).map(Answer::Forgot),
            Op::Pass(seconds) => {
                let passed = Duration::from_secs(seconds.into()).as_millis() as i64;
                self.clock.0.fetch_add(passed, Ordering::SeqCst);
                Ok(Answer::Passed)
            }
        };
        answer.unwrap_or(Answer::Full)
    }
}

/// Runs the program once: what was answered, and when.
fn execute(make: Make, program: &Program) -> (String, Vec<Call>) {
    let clock = Arc::new(ModelClock(AtomicI64::new(START.unix_millis())));
    let world = Arc::new(World {
        store: make(program.capacity, Arc::clone(&clock) as _),
        clock,
        count: AtomicUsize::new(0),
        calls: Mutex::default(),
    });
    for &op in program.before {
        world.call(op);
    }
    let threads: Vec<_> = program
        .threads
        .iter()
        .map(|ops| {
            let world = Arc::clone(&world);
            shuttle::thread::spawn(move || ops.iter().map(|&op| world.call(op)).collect::<Vec<_>>())
        })
        .collect();
    let mut outcome = Vec::new();
    for thread in threads {
        outcome.push(thread.join().expect("no panic"));
    }
    outcome.push(program.after.iter().map(|&op| world.call(op)).collect());
    let mut calls = world.calls.lock().expect("one thread").clone();
    calls.sort_unstable_by_key(|call| call.began);
    (format!("{outcome:?}"), calls)
}

/// The answer of a store that never waits.
fn now<T>(step: StoreFuture<'_, T>) -> Result<T, StoreError> {
    match pin!(step).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a store in memory that waits"),
    }
}
