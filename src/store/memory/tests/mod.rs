mod bounds;
mod model;

use std::collections::HashMap;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;

use super::*;
use crate::store::conformance::{self, AdvanceFuture, Env};
use crate::testing::ManualClock;

const LEASE: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(3600);
const DONE: Completion = Completion::new(crate::store::Fingerprint::NONE, 200, TTL);

/// An empty store of `capacity` events, and its clock.
fn store(capacity: usize) -> (MemoryStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(0)));
    let store = MemoryStore::new(capacity).unwrap();
    (store.with_clock(Arc::clone(&clock) as _), clock)
}

fn key(number: u64) -> DedupKey {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    DedupKey::from_bytes(digest)
}

fn owner(number: u128) -> Owner {
    Owner::from_u128(number)
}

fn claim(id: u64, by: u128) -> Claim {
    Claim::new(key(id), owner(by), LEASE, TTL)
}

/// What `future` answers: a memory store never waits.
fn now<T>(mut future: StoreFuture<'_, T>) -> Result<T, StoreError> {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a memory store waited"),
    }
}

struct Virtual(Arc<MemoryStore>, Arc<ManualClock>);

impl Env for Virtual {
    fn store(&self) -> Arc<dyn DedupStore> {
        Arc::clone(&self.0) as _
    }

    fn lease(&self) -> Duration {
        LEASE
    }

    fn advance(&self, by: Duration) -> AdvanceFuture<'_> {
        self.1.advance(by);
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_protocol() {
    let (store, clock) = store(1_000);
    conformance::check(&Virtual(Arc::new(store), clock)).await;
}

#[tokio::test]
async fn nothing_happens_before_a_future_is_polled() {
    let (store, _) = store(1);
    drop(store.claim(&claim(1, 1)));
    assert!(store.is_empty());
}

#[test]
fn a_clock_that_goes_backwards_ends_nothing() {
    let (store, clock) = store(1);
    clock.advance(Duration::from_secs(100_000));
    assert!(matches!(
        now(store.claim(&claim(1, 1))),
        Ok(Claimed::Won { .. })
    ));
    clock.set(Timestamp::from_unix_millis(i64::MIN));
    assert!(matches!(
        now(store.claim(&claim(1, 2))),
        Ok(Claimed::Busy { .. })
    ));
    assert!(matches!(
        now(store.claim(&claim(2, 2))),
        Err(StoreError::Full)
    ));
    assert_eq!(
        now(store.complete(&key(1), owner(1), DONE)).unwrap(),
        Completed::Done
    );
}

#[test]
fn endless_durations_are_taken() {
    let (store, clock) = store(1);
    let endless = Claim::new(key(1), owner(1), Duration::MAX, Duration::MAX);
    now(store.claim(&endless)).unwrap();
    clock.set(Timestamp::from_unix_millis(i64::MAX - 1));
    assert!(matches!(
        now(store.claim(&claim(1, 2))),
        Ok(Claimed::Busy { .. })
    ));
}

#[test]
fn a_panic_in_the_clock_takes_nothing_down() {
    #[derive(Debug)]
    struct Broken(ManualClock);
    impl Clock for Broken {
        fn now(&self) -> Timestamp {
            match self.0.now() {
                now if now.unix_millis() < 0 => panic!("broken"),
                now => now,
            }
        }
    }
    let clock = Arc::new(Broken(ManualClock::new(Timestamp::from_unix_millis(0))));
    let store = MemoryStore::new(1)
        .unwrap()
        .with_clock(Arc::clone(&clock) as _);
    clock.0.set(Timestamp::from_unix_millis(-1));
    let panicked = thread::scope(|scope| scope.spawn(|| now(store.claim(&claim(1, 1)))).join());
    assert!(panicked.is_err());
    clock.0.set(Timestamp::from_unix_millis(0));
    assert!(matches!(
        now(store.claim(&claim(1, 1))),
        Ok(Claimed::Won { .. })
    ));
}

#[test]
fn threads_never_win_one_event_twice() {
    const EVENTS: u64 = 2_000;
    let (store, _) = store(EVENTS as usize);
    // Eight threads deliver the same events. A third fails, and is delivered again.
    let deliver = |by: u128| {
        let mut won = Vec::new();
        for _ in 0..4 {
            for id in 0..EVENTS {
                match now(store.claim(&claim(id, by))).unwrap() {
                    Claimed::Won { attempt } if attempt == 1 && id % 3 == 0 => {
                        won.push((id, attempt));
                        let released = now(store.release(&key(id), owner(by)));
                        assert_eq!(released.unwrap(), Released::Released);
                    }
                    Claimed::Won { attempt } => {
                        won.push((id, attempt));
                        let done = now(store.complete(&key(id), owner(by), DONE));
                        assert_eq!(done.unwrap(), Completed::Done);
                    }
                    Claimed::Duplicate { attempt, .. } => {
                        assert_eq!(attempt, if id % 3 == 0 { 2 } else { 1 });
                        // Whoever comes late cannot undo it.
                        now(store.release(&key(id), owner(by))).unwrap();
                        now(store.renew(&key(id), owner(by), LEASE, TTL)).unwrap();
                    }
                    Claimed::Busy { .. } => {}
                    other @ Claimed::Conflict { .. } => panic!("{other:?}"),
                }
            }
        }
        won
    };
    let won: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|by| scope.spawn(move || deliver(by))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut wins = HashMap::new();
    for win in won {
        *wins.entry(win).or_insert(0) += 1;
    }
    for id in 0..EVENTS {
        let attempts = if id % 3 == 0 { 2 } else { 1 };
        for attempt in 1..=attempts {
            assert_eq!(
                wins.remove(&(id, attempt)),
                Some(1),
                "event {id}, attempt {attempt}"
            );
        }
    }
    assert!(wins.is_empty(), "{wins:?}");
}

#[test]
fn of_many_claims_into_a_full_store_one_wins_and_the_rest_see_it() {
    const THREADS: u128 = 4;
    let (store, _) = store(1);
    let start = Barrier::new(THREADS as usize);
    for id in 0..2_000 {
        // The one that has to go, in whatever shard.
        now(store.claim(&claim(u64::MAX - id, 1))).unwrap();
        now(store.release(&key(u64::MAX - id), owner(1))).unwrap();
        let claim_it = |by| {
            start.wait();
            now(store.claim(&claim(id, by)))
        };
        let claimed: Vec<_> = thread::scope(|scope| {
            let claim_it = &claim_it;
            let threads: Vec<_> = (0..THREADS)
                .map(|by| scope.spawn(move || claim_it(by)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap().unwrap())
                .collect()
        });
        let won = claimed
            .iter()
            .filter(|it| **it == Claimed::Won { attempt: 1 });
        let busy = claimed
            .iter()
            .filter(|it| matches!(it, Claimed::Busy { attempt: 1, .. }));
        assert_eq!((won.count(), busy.count()), (1, 3), "{claimed:?}");
        now(store.forget(&key(id))).unwrap();
    }
}
