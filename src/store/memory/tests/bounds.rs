//! Capacity and memory.

use super::*;

impl MemoryStore {
    /// How many rows there is memory for.
    fn slots(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).slots()).sum()
    }
}

#[test]
fn a_capacity_of_none_is_refused() {
    let error = MemoryStore::new(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the capacity of the memory store must not be zero"
    );
}

#[test]
fn the_capacity_is_exact_and_live_events_stay() {
    for capacity in [1, 2, 3, 17, 100] {
        let (store, clock) = store(capacity);
        let count = capacity as u64;
        for id in 0..count {
            now(store.claim(&claim(id, 1))).unwrap();
            if id % 2 == 0 {
                now(store.complete(&key(id), owner(1), DONE)).unwrap();
            }
        }
        clock.advance(LEASE); // leases are over, lives are not
        for id in count..count + 50 {
            assert!(matches!(
                now(store.claim(&claim(id, 1))),
                Err(StoreError::Full)
            ));
            let completed = now(store.complete(&key(id), owner(1), DONE));
            assert!(matches!(completed, Err(StoreError::Full)));
        }
        assert_eq!((store.len(), store.capacity()), (capacity, capacity));
        for id in 0..count {
            match now(store.claim(&claim(id, 2))).unwrap() {
                Claimed::Duplicate { attempt: 1, .. } if id % 2 == 0 => {}
                Claimed::Won { attempt: 2 } if id % 2 == 1 => {}
                other => panic!("event {id} of {capacity}: {other:?}"),
            }
        }
        assert_eq!(store.len(), capacity);
    }
}

#[test]
fn an_expired_event_goes_before_a_released_one() {
    let (store, clock) = store(20);
    let brief = |id| Claim::new(key(id), owner(1), LEASE, LEASE);
    for id in 0..10 {
        now(store.claim(&brief(id))).unwrap();
    }
    for id in 10..20 {
        now(store.claim(&claim(id, 1))).unwrap();
        now(store.release(&key(id), owner(1))).unwrap();
    }
    clock.advance(LEASE);
    for id in 20..30 {
        now(store.claim(&claim(id, 1))).unwrap();
    }
    for id in 10..20 {
        assert_eq!(
            now(store.claim(&claim(id, 1))).unwrap(),
            Claimed::Won { attempt: 2 }
        );
        now(store.release(&key(id), owner(1))).unwrap();
    }
    // Now the released ones, and then no more.
    for id in 30..40 {
        assert_eq!(
            now(store.claim(&claim(id, 1))).unwrap(),
            Claimed::Won { attempt: 1 }
        );
    }
    assert!(matches!(
        now(store.claim(&claim(40, 1))),
        Err(StoreError::Full)
    ));
    assert_eq!(store.len(), 20);
}

#[test]
fn a_forgotten_event_makes_room() {
    let (store, _) = store(1);
    now(store.claim(&claim(1, 1))).unwrap();
    assert!(now(store.forget(&key(1))).unwrap());
    assert!(store.is_empty());
    now(store.claim(&claim(2, 1))).unwrap();
}

/// What lives shorter than it said at first makes room at its end, not later.
#[test]
fn a_shortened_life_makes_room() {
    let (store, clock) = store(1);
    now(store.claim(&claim(1, 1))).unwrap();
    let brief = Completion { ttl: LEASE, ..DONE };
    now(store.complete(&key(1), owner(1), brief)).unwrap();
    clock.advance(LEASE);
    assert_eq!(
        now(store.claim(&claim(2, 1))).unwrap(),
        Claimed::Won { attempt: 1 }
    );
}

#[test]
fn threads_do_not_exceed_the_capacity_or_starve() {
    for capacity in [1, 2, 16] {
        let (store, _) = store(capacity);
        let full = |by: u128| {
            let mut full = 0;
            for id in (0..20_000).map(|id| id % 64) {
                match now(store.claim(&claim(id, by))) {
                    Ok(Claimed::Won { .. }) => {
                        assert!(store.len() <= capacity);
                        let released = now(store.release(&key(id), owner(by)));
                        assert_eq!(released.unwrap(), Released::Released);
                    }
                    Ok(_) => {}
                    Err(_) => full += 1,
                }
            }
            full
        };
        let full: u64 = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|by| scope.spawn(move || full(by))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert!(store.len() <= capacity);
        // Eight threads hold eight events at most; the others are released.
        assert!(capacity < 16 || full == 0, "{full} claims were refused");
    }
}

#[test]
fn memory_stays_flat_while_events_come_and_expire() {
    let (store, clock) = store(10_000);
    let ttl = Duration::from_secs(9);
    for id in 0..300_000 {
        if id % 1_000 == 0 {
            clock.advance(Duration::from_secs(1));
        }
        let claim = Claim::new(key(id), owner(1), Duration::from_secs(1), ttl);
        assert_eq!(
            now(store.claim(&claim)).unwrap(),
            Claimed::Won { attempt: 1 }
        );
        let done = Completion { ttl, ..DONE };
        now(store.complete(&key(id), owner(1), done)).unwrap();
        assert!(store.len() <= 10_000);
    }
    // Shards fill unevenly, differently each time, and each keeps room for its
    // fullest moment; what leaks would come to 300 000.
    assert!(store.slots() < 20_000, "{}", store.slots());

    clock.advance(ttl);
    for id in 0..10_000 {
        now(store.claim(&claim(1_000_000 + id, 1))).unwrap();
    }
    assert!(matches!(
        now(store.claim(&claim(0, 1))),
        Err(StoreError::Full)
    ));
    assert_eq!(store.len(), 10_000);
}
