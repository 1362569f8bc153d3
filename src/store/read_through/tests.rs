mod forget;
mod remote;

use self::remote::{Remote, Slow};
use super::*;
use crate::Timestamp;
use crate::store::conformance::{self, AdvanceFuture, Env};
use crate::store::{Fingerprint, MemoryStore, StoreError};
use crate::testing::ManualClock;

const LEASE: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(3600);
const DONE: Completion = Completion::new(CONTENT, 201, TTL);
const CONTENT: Fingerprint = Fingerprint::from_u64(7);
const OTHER_CONTENT: Fingerprint = Fingerprint::from_u64(8);

fn key(number: u64) -> DedupKey {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    DedupKey::from_bytes(digest)
}

fn owner(number: u128) -> Owner {
    Owner::from_u128(number)
}

fn claim(id: u64, by: u128) -> Claim {
    Claim::new(key(id), owner(by), LEASE, TTL).with_fingerprint(CONTENT)
}

fn duplicate(expires_in: Duration) -> Claimed {
    Claimed::Duplicate {
        status: 201,
        attempt: 1,
        expires_in,
    }
}

fn store(capacity: usize) -> (ReadThrough<Remote>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(0)));
    let remote = Remote::new(Arc::clone(&clock));
    let store = ReadThrough::new(remote, capacity).unwrap();
    (store.with_clock(Arc::clone(&clock) as _), clock)
}

/// Lets `by` process the event, and starts counting.
async fn process(store: &ReadThrough<Remote>, id: u64, by: u128) {
    let won = store.claim(&claim(id, by)).await.unwrap();
    assert!(matches!(won, Claimed::Won { .. }), "{won:?}");
    let done = store.complete(&key(id), owner(by), DONE).await.unwrap();
    assert_eq!(done, Completed::Done);
    store.get_ref().claims();
}

struct Virtual(Arc<ReadThrough<Remote>>, Arc<ManualClock>);

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
    for capacity in [1, 10_000] {
        let (store, clock) = store(capacity);
        conformance::check(&Virtual(Arc::new(store), clock)).await;
    }
}

#[test]
fn nothing_is_not_a_capacity_or_an_age() {
    let none = |error: ConfigError| error.to_string();
    assert_eq!(
        none(ReadThrough::new((), 0).unwrap_err()),
        "the capacity of the read-through must not be zero"
    );
    let store = ReadThrough::new((), 1).unwrap();
    assert_eq!(
        none(store.with_max_age(Duration::ZERO).unwrap_err()),
        "the age of what the read-through remembers must not be zero"
    );
}

#[tokio::test]
async fn what_was_completed_here_is_answered_here() {
    let (store, clock) = store(100);
    process(&store, 1, 1).await;
    clock.advance(LEASE);
    let again = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(again, duplicate(TTL - LEASE));
    assert_eq!(store.get_ref().claims(), 0);
}

#[tokio::test]
async fn what_another_machine_completed_is_asked_for_once() {
    let (store, clock) = store(100);
    let elsewhere = &store.get_ref().store;
    elsewhere.claim(&claim(1, 9)).await.unwrap();
    elsewhere.complete(&key(1), owner(9), DONE).await.unwrap();
    clock.advance(LEASE);
    for by in 1..4 {
        let again = store.claim(&claim(1, by)).await.unwrap();
        assert_eq!(again, duplicate(TTL - LEASE));
    }
    assert_eq!(store.get_ref().claims(), 1);
}

#[tokio::test]
async fn an_event_in_flight_is_always_the_stores() {
    let (store, clock) = store(100);
    store.claim(&claim(1, 1)).await.unwrap();
    for _ in 0..3 {
        let busy = store.claim(&claim(1, 2)).await.unwrap();
        assert!(matches!(busy, Claimed::Busy { attempt: 1, .. }), "{busy:?}");
    }
    assert_eq!(store.get_ref().claims(), 4);
    clock.advance(LEASE);
    let taken_over = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(taken_over, Claimed::Won { attempt: 2 });
    let late = store.complete(&key(1), owner(1), DONE).await.unwrap();
    assert_eq!(late, Completed::LeaseLost);
    let busy = store.claim(&claim(1, 3)).await.unwrap();
    assert!(matches!(busy, Claimed::Busy { attempt: 2, .. }), "{busy:?}");
}

/// An attempt is told by the claim, not by the completion.
#[tokio::test]
async fn the_attempt_is_that_which_processed_it() {
    let (store, clock) = store(100);
    for by in 1..4 {
        store.claim(&claim(1, by)).await.unwrap();
        clock.advance(LEASE);
    }
    store.complete(&key(1), owner(3), DONE).await.unwrap();
    let again = store.claim(&claim(1, 4)).await.unwrap();
    assert!(
        matches!(again, Claimed::Duplicate { attempt: 3, .. }),
        "{again:?}"
    );
}

#[tokio::test]
async fn other_content_is_the_stores_to_judge() {
    let (store, _) = store(100);
    process(&store, 1, 1).await;
    for _ in 0..2 {
        let other = claim(1, 2).with_fingerprint(OTHER_CONTENT);
        let conflict = store.claim(&other).await.unwrap();
        assert_eq!(conflict, Claimed::Conflict { attempt: 1 });
    }
    assert_eq!(store.get_ref().claims(), 2);
    let any = claim(1, 2).with_fingerprint(Fingerprint::NONE);
    assert_eq!(store.claim(&any).await.unwrap(), duplicate(TTL));
    assert_eq!(store.get_ref().claims(), 0);
}

/// Known by a delivery whose content was not looked at, it says nothing of one
/// whose content conflicts.
#[tokio::test]
async fn what_is_known_without_content_answers_nothing_with_one() {
    let (store, _) = store(100);
    let elsewhere = &store.get_ref().store;
    elsewhere.complete(&key(1), owner(9), DONE).await.unwrap();
    let any = claim(1, 2).with_fingerprint(Fingerprint::NONE);
    assert_eq!(store.claim(&any).await.unwrap(), duplicate(TTL));
    let other = claim(1, 2).with_fingerprint(OTHER_CONTENT);
    let conflict = store.claim(&other).await.unwrap();
    assert_eq!(conflict, Claimed::Conflict { attempt: 1 });
}

#[tokio::test]
async fn it_ends_with_the_row_or_with_its_age() {
    let (store, clock) = store(100);
    let age = Duration::from_secs(60);
    let store = store.with_max_age(age).unwrap();
    let brief = age / 2;
    for (id, ttl) in [(1, brief), (2, TTL)] {
        let short = Claim::new(key(id), owner(1), brief, brief).with_fingerprint(CONTENT);
        store.claim(&short).await.unwrap();
        let done = Completion { ttl, ..DONE };
        store.complete(&key(id), owner(1), done).await.unwrap();
    }
    clock.advance(brief);
    let absent = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(absent, Claimed::Won { attempt: 1 });
    store.get_ref().claims();

    clock.advance(brief - Duration::from_millis(1));
    store.claim(&claim(2, 2)).await.unwrap();
    assert_eq!(store.get_ref().claims(), 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(
        store.claim(&claim(2, 2)).await.unwrap(),
        duplicate(TTL - age)
    );
    assert_eq!(store.get_ref().claims(), 1);
}

/// The answer to the second one counts from the first, which the store got.
#[tokio::test]
async fn a_completion_whose_answer_was_lost_is_not_remembered() {
    let (store, clock) = store(100);
    store.claim(&claim(1, 1)).await.unwrap();
    drop(store.get_ref().hold(Slow::Answer));
    let lost = store.complete(&key(1), owner(1), DONE).await;
    assert!(lost.is_err());
    clock.advance(LEASE);
    let done = store.complete(&key(1), owner(1), DONE).await.unwrap();
    assert_eq!(done, Completed::Done);
    store.get_ref().claims();
    let again = store.claim(&claim(1, 2)).await.unwrap();
    assert_eq!(again, duplicate(TTL - LEASE));
    assert_eq!(store.get_ref().claims(), 1);
}

/// A claim that nobody waits for any more must not keep others' answers from
/// being remembered.
#[tokio::test]
async fn a_cancelled_claim_leaves_nothing_behind() {
    let (store, _) = store(100);
    let elsewhere = &store.get_ref().store;
    elsewhere.complete(&key(1), owner(9), DONE).await.unwrap();
    let _answer = store.get_ref().hold(Slow::Answer);
    let cancelled = claim(1, 1);
    let mut claimed = store.claim(&cancelled);
    assert!(poll_once(&mut claimed).is_none());
    drop(claimed);
    store.claim(&claim(1, 2)).await.unwrap();
    store.get_ref().claims();
    store.claim(&claim(1, 3)).await.unwrap();
    assert_eq!(store.get_ref().claims(), 0);
}

#[tokio::test]
async fn it_is_bounded_and_the_latest_stay() {
    let (store, clock) = store(80);
    for id in 0..2_000 {
        process(&store, id, 1).await;
        clock.advance(Duration::from_millis(1));
    }
    let mut known = 0;
    // The latest first: what has to be asked for pushes out an older one.
    for id in (1_920..2_000).rev() {
        let again = store.claim(&claim(id, 2)).await.unwrap();
        assert!(matches!(again, Claimed::Duplicate { .. }), "{again:?}");
        known += usize::from(store.get_ref().claims() == 0);
    }
    // Keys fall into sets unevenly; with a list of ages, all 80 would be known.
    assert!(known >= 40, "{known}");
    assert_eq!(store.cache.capacity(), 80);
    const { assert!(cache::BYTES_PER_EVENT <= 75) };
}

fn poll_once<T>(future: &mut StoreFuture<'_, T>) -> Option<Result<T, StoreError>> {
    use std::task::{Context, Poll, Waker};
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// An answer that took longer than anything is kept: another has asked since,
/// and what the first was told is not what the second is.
#[test]
fn a_late_answer_does_not_speak_for_another() {
    let cache = cache::Cache::new(1);
    let at = Timestamp::from_unix_seconds;
    let asking = |by, now, oldest| match cache.look(&claim(1, by), at(now), at(oldest)) {
        cache::Look::Asking(Some(asking)) => asking,
        _ => panic!("{by} has nothing to ask"),
    };
    let late = asking(1, 0, 10);
    let next = asking(2, 10, 20);
    late.won(1);
    assert!(cache.take_won(&key(1), owner(1), at(11), at(20)).is_none());
    next.won(2);
    let taken = cache.take_won(&key(1), owner(2), at(11), at(20));
    assert_eq!(taken.map(|(_, attempt)| attempt), Some(2));
}
