//! Leases and transactions on one table.

use std::time::Duration;

use tower_webhook::inbox::NotFresh;
use tower_webhook::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Fingerprint, Owner, Released,
};

use super::super::{LEASE, TTL};
use super::{Shop, assert_busy, assert_duplicate, stripe};

const A: Owner = Owner::from_u128(1);

/// The key of the one event in the table, of which the first half is stored.
async fn key_in(shop: &Shop) -> DedupKey {
    use sqlx::Row;
    let row = shop.table.row("SELECT uuid_send(key) FROM {}").await;
    let half: Vec<u8> = row.get(0);
    let mut key = [0; 32];
    key[..16].copy_from_slice(&half);
    DedupKey::from_bytes(key)
}

/// The row of an event that nobody has recorded.
async fn unrecorded(shop: &Shop, id: &str) -> DedupKey {
    shop.begin(&stripe(id))
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    let key = key_in(shop).await;
    assert!(shop.table.store.forget(&key).await.unwrap());
    key
}

fn done() -> Completion {
    Completion::new(Fingerprint::NONE, 202, TTL)
}

#[tokio::test]
async fn an_event_is_busy_while_a_lease_on_it_is_live_and_taken_over_afterwards() {
    let shop = Shop::new().await;
    let (store, event) = (&shop.table.store, stripe("evt_1"));
    let key = unrecorded(&shop, "evt_1").await;
    let claim = Claim::new(key, A, LEASE, TTL);
    store.claim(&claim).await.unwrap();
    assert_busy(shop.begin(&event).await);

    shop.table.advance(LEASE + Duration::from_secs(1)).await;
    let mut fresh = shop.begin(&event).await.unwrap();
    assert_eq!(fresh.attempt(), 2);
    shop.order(&mut fresh, "1").await;
    // The late owner waits for the transaction, and is then refused.
    let late = tokio::spawn({
        let store = std::sync::Arc::clone(store);
        async move { store.complete(&key, A, done()).await }
    });
    tokio::task::yield_now().await;
    fresh.commit().await.unwrap();
    assert_eq!(late.await.unwrap().unwrap(), Completed::AlreadyDone);
    assert_eq!(store.release(&key, A).await.unwrap(), Released::NotOwner);
    assert_duplicate(shop.begin(&event).await);
    let claimed = store.claim(&claim).await.unwrap();
    let Claimed::Duplicate {
        status: 200,
        attempt: 2,
        ..
    } = claimed
    else {
        panic!("{claimed:?}");
    };
}

#[tokio::test]
async fn what_a_lease_completed_is_a_duplicate_and_what_it_gave_back_is_fresh() {
    let shop = Shop::new().await;
    let (store, event) = (&shop.table.store, stripe("evt_1"));
    let key = unrecorded(&shop, "evt_1").await;
    let claim = Claim::new(key, A, LEASE, TTL);
    store.claim(&claim).await.unwrap();
    store.release(&key, A).await.unwrap();
    let fresh = shop.begin(&event).await.unwrap();
    assert_eq!(fresh.attempt(), 2);
    fresh.rollback().await.unwrap();

    let claimed = store.claim(&claim).await.unwrap();
    assert_eq!(claimed, Claimed::Won { attempt: 2 });
    store.complete(&key, A, done()).await.unwrap();
    let Err(NotFresh::Duplicate { duplicate, .. }) = shop.begin(&event).await else {
        panic!("not a duplicate");
    };
    assert_eq!((duplicate.status, duplicate.attempt), (202, 2));
}

/// A claim while the transaction is open: the store answers before the layer
/// takes it for unavailable.
#[tokio::test]
async fn an_event_whose_transaction_is_open_is_busy_for_a_lease() {
    let shop = Shop::new().await;
    let key = unrecorded(&shop, "evt_1").await;
    let claim = Claim::new(key, A, LEASE, TTL);
    let fresh = shop.begin(&stripe("evt_1")).await.unwrap();
    let claimed = shop.table.store.claim(&claim).await.unwrap();
    assert!(matches!(claimed, Claimed::Busy { .. }), "{claimed:?}");
    fresh.rollback().await.unwrap();
    let claimed = shop.table.store.claim(&claim).await.unwrap();
    assert_eq!(claimed, Claimed::Won { attempt: 1 });
}
