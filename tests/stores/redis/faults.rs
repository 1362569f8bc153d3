//! What goes wrong on the way, and with the server.

use std::time::{Duration, Instant};

use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Fingerprint, Owner,
    RedisSetupError, RedisStore, Released, Renewed, StoreError,
};

use super::setup::set;
use super::{PATIENCE, connection, key, own_store, time};
use crate::servers::Redis;

const LEASE: Duration = Duration::from_secs(60);
const TTL: Duration = Duration::from_secs(3600);

fn claim(key: DedupKey, owner: u128) -> Claim {
    Claim::new(key, Owner::from_u128(owner), LEASE, TTL)
}

const DONE: Completion = Completion::new(Fingerprint::NONE, 200, TTL);
const A: Owner = Owner::from_u128(1);

fn is_busy(claimed: Claimed) -> bool {
    matches!(claimed, Claimed::Busy { attempt: 1, .. })
}

fn is_duplicate(claimed: Claimed) -> bool {
    matches!(
        claimed,
        Claimed::Duplicate {
            status: 200,
            attempt: 1,
            ..
        }
    )
}

#[tokio::test]
async fn c21_a_claim_whose_reply_was_lost_is_the_same_the_second_time() {
    let server = Redis::start();
    let store = RedisStore::new(connection(&server).await);
    // Its script is known, and the connection is there.
    store.claim(&claim(key(0), 1)).await.unwrap();

    let hasty = store.connection().clone();
    let hasty = RedisStore::new(hasty)
        .with_deadline(Duration::from_millis(50))
        .unwrap();
    server.pause();
    let lost = hasty.claim(&claim(key(1), 1)).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    server.resume();
    let again = store.claim(&claim(key(1), 1)).await.unwrap();
    assert_eq!(again, Claimed::Won { attempt: 1 });
    assert!(is_busy(store.claim(&claim(key(1), 2)).await.unwrap()));
}

#[tokio::test]
async fn c28_a_forgotten_event_is_new() {
    let (store, _) = own_store(Redis::shared()).await;
    store.claim(&claim(key(0), 1)).await.unwrap();
    store.complete(&key(0), A, DONE).await.unwrap();
    assert!(is_duplicate(store.claim(&claim(key(0), 2)).await.unwrap()));
    assert!(store.forget(&key(0)).await.unwrap());
    assert!(!store.forget(&key(0)).await.unwrap());
    let again = store.claim(&claim(key(0), 2)).await.unwrap();
    assert_eq!(again, Claimed::Won { attempt: 1 });
}

#[tokio::test]
async fn a_server_without_memory_takes_no_event_and_completes_those_in_flight() {
    let server = Redis::start();
    let mut connection = connection(&server).await;
    let store = RedisStore::new(connection.clone());
    for number in 0..3 {
        store.claim(&claim(key(number), 1)).await.unwrap();
    }
    set(&mut connection, "maxmemory", "1").await;
    let new = store.claim(&claim(key(9), 1)).await;
    assert!(matches!(new, Err(StoreError::Full)), "{new:?}");
    let unknown = store.complete(&key(9), A, DONE).await;
    assert!(matches!(unknown, Err(StoreError::Full)), "{unknown:?}");

    let completed = store.complete(&key(0), A, DONE).await.unwrap();
    assert_eq!(completed, Completed::Done);
    let renewed = store.renew(&key(1), A, LEASE, TTL).await.unwrap();
    assert_eq!(renewed, Renewed::Extended);
    let released = store.release(&key(2), A).await.unwrap();
    assert_eq!(released, Released::Released);
    let released = store.claim(&claim(key(2), 2)).await;
    assert!(matches!(released, Err(StoreError::Full)), "{released:?}");

    set(&mut connection, "maxmemory", "0").await;
    assert!(is_duplicate(store.claim(&claim(key(0), 2)).await.unwrap()));
    assert!(is_busy(store.claim(&claim(key(1), 2)).await.unwrap()));
    for (number, attempt) in [(2, 2), (9, 1)] {
        let claimed = store.claim(&claim(key(number), 2)).await.unwrap();
        assert_eq!(claimed, Claimed::Won { attempt });
    }
}

#[tokio::test]
async fn a_restarted_server_keeps_its_rows_and_learns_the_scripts_again() {
    let mut server = Redis::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    until_answered(async || store.claim(&claim(key(0), 1)).await).await;
    until_answered(async || store.claim(&claim(key(1), 1)).await).await;
    until_answered(async || store.complete(&key(1), A, DONE).await).await;

    let mut flush = ::redis::cmd("SCRIPT");
    flush
        .arg("FLUSH")
        .exec_async(&mut connection(&server).await)
        .await
        .unwrap();
    assert!(is_busy(
        until_answered(async || store.claim(&claim(key(0), 2)).await).await
    ));

    server.stop();
    let down = store.claim(&claim(key(0), 2)).await;
    assert!(matches!(down, Err(StoreError::Unavailable(_))), "{down:?}");
    server.restart();
    let busy = until_answered(async || store.claim(&claim(key(0), 2)).await).await;
    assert!(is_busy(busy));
    assert!(is_duplicate(
        until_answered(async || store.claim(&claim(key(1), 2)).await).await
    ));
    let completed = until_answered(async || store.complete(&key(0), A, DONE).await).await;
    assert_eq!(completed, Completed::Done);
}

async fn until_answered<T>(mut ask: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    let started = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_no_store_wrote_is_not_taken_for_an_absent_event() {
    let (store, prefix) = own_store(Redis::shared()).await;
    let mut connection = store.connection().clone();
    let text = format!("{prefix}AAAAAAAAAAAAAAAAAAAAAA");
    store.claim(&claim(key(0), 1)).await.unwrap();
    // An orphan by somebody's hand: who knows for how long it holds.
    let persist = ::redis::cmd("PERSIST").arg(&text).clone();
    persist.exec_async(&mut connection).await.unwrap();
    let answer = store.claim(&claim(key(0), 2)).await;
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );

    for value in ["", "x", "i", "a value of thirty-seven bytes in full"] {
        let put = ::redis::cmd("SET").arg(&text).arg(value).clone();
        put.exec_async(&mut connection).await.unwrap();
        let errors = [
            store
                .claim(&claim(key(0), 1))
                .await
                .map(|_| ())
                .unwrap_err(),
            store
                .renew(&key(0), A, LEASE, TTL)
                .await
                .map(|_| ())
                .unwrap_err(),
            store
                .complete(&key(0), A, DONE)
                .await
                .map(|_| ())
                .unwrap_err(),
            store.release(&key(0), A).await.map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            let StoreError::Unavailable(cause) = error else {
                panic!("{error:?}");
            };
            let cause = cause.downcast_ref::<RedisSetupError>();
            assert!(
                matches!(cause, Some(RedisSetupError::ForeignRow)),
                "{cause:?}"
            );
        }
    }

    let list = ::redis::cmd("DEL").arg(&text).clone();
    list.exec_async(&mut connection).await.unwrap();
    let list = ::redis::cmd("RPUSH").arg(&text).arg(1).clone();
    list.exec_async(&mut connection).await.unwrap();
    let answer = store.claim(&claim(key(0), 1)).await;
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn extreme_numbers_overflow_nothing() {
    let (store, prefix) = own_store(Redis::shared()).await;
    let mut connection = store.connection().clone();
    let longest = Claim::new(key(0), A, Duration::MAX, Duration::ZERO);
    assert_eq!(
        store.claim(&longest).await.unwrap(),
        Claimed::Won { attempt: 1 }
    );
    let long = Duration::from_secs(1 << 40);
    let other = store.claim(&claim(key(0), 2)).await.unwrap();
    assert!(
        matches!(other, Claimed::Busy { remaining, .. } if remaining > long),
        "{other:?}"
    );
    let renewed = store
        .renew(&key(0), A, Duration::MAX, Duration::MAX)
        .await
        .unwrap();
    assert_eq!(renewed, Renewed::Extended);
    let forever = Completion::new(Fingerprint::from_u64(u64::MAX), u16::MAX, Duration::MAX);
    store.complete(&key(0), A, forever).await.unwrap();
    let known = store.claim(&longest).await.unwrap();
    assert!(
        matches!(known, Claimed::Duplicate { status: 1023, expires_in, .. } if expires_in > long),
        "{known:?}"
    );

    // Nothing is left of what is remembered for no time.
    let none = Completion::new(Fingerprint::NONE, 200, Duration::ZERO);
    store.complete(&key(1), A, none).await.unwrap();
    time::advance(&mut connection, &prefix, Duration::from_millis(1)).await;
    let again = store.claim(&claim(key(1), 2)).await.unwrap();
    assert_eq!(again, Claimed::Won { attempt: 1 });

    // Attempts are counted beyond what a row that is done can hold.
    store.claim(&claim(key(2), 1)).await.unwrap();
    for attempt in [2, u32::MAX] {
        let mut write = ::redis::cmd("SETRANGE");
        write.arg(format!("{prefix}AgICAgICAgICAgICAgICAg")).arg(1);
        write.arg(&(attempt - 1).to_be_bytes()[..]);
        write.exec_async(&mut connection).await.unwrap();
        time::advance(&mut connection, &prefix, LEASE).await;
        for _ in 0..2 {
            let claimed = store.claim(&claim(key(2), 1)).await.unwrap();
            assert_eq!(claimed, Claimed::Won { attempt });
        }
    }
    time::advance(&mut connection, &prefix, LEASE).await;
    let last = store.claim(&claim(key(2), 1)).await.unwrap();
    assert_eq!(last, Claimed::Won { attempt: u32::MAX });
    store.complete(&key(2), A, DONE).await.unwrap();
    let known = store.claim(&claim(key(2), 1)).await.unwrap();
    assert!(
        matches!(known, Claimed::Duplicate { attempt: 1023, .. }),
        "{known:?}"
    );
}
