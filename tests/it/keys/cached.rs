//! What is remembered of keys, and how often they are looked up.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tower_webhook::keys::{CachedKeys, KeyError, KeyFuture, KeyResolver};
use tower_webhook::signature::{KeyName, PublicKey};
use tower_webhook::testing::ManualClock;

use crate::support::NOW;

const JWK: &[u8] =
    br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// Knows the names that start with `good`; those that start with `slow` after
/// it is told to go on.
#[derive(Debug, Default)]
struct Provider {
    asked: Mutex<Vec<String>>,
    down: AtomicBool,
    go_on: Notify,
    finished: AtomicUsize,
}

impl Provider {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn asked_for(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| *asked == name).count()
    }
}

impl KeyResolver for Provider {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(async move {
            let KeyName::Id(id) = name else {
                return Ok(None);
            };
            self.asked.lock().unwrap().push(id.clone());
            if id.starts_with("slow") {
                self.go_on.notified().await;
            }
            assert!(!id.starts_with("panic"), "as it was told");
            if id.starts_with("never") {
                return pending().await;
            }
            self.finished.fetch_add(1, Ordering::SeqCst);
            if self.down.load(Ordering::SeqCst) {
                return Err(KeyError::new("down"));
            }
            let known = id.starts_with("good") || id.starts_with("slow");
            Ok(known.then(|| PublicKey::from_jwk(JWK).unwrap()))
        })
    }
}

struct Setup {
    provider: Arc<Provider>,
    clock: Arc<ManualClock>,
    keys: CachedKeys,
}

fn setup() -> Setup {
    let provider = Arc::new(Provider::default());
    let clock = Arc::new(ManualClock::new(NOW));
    let keys = CachedKeys::new(provider.clone()).with_clock(clock.clone());
    Setup {
        provider,
        clock,
        keys,
    }
}

impl Setup {
    /// Whether there is a key of that name; an error if it is not known.
    async fn has(&self, id: &str) -> Result<bool, KeyError> {
        has(&self.keys, id).await
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

async fn has(keys: &CachedKeys, id: &str) -> Result<bool, KeyError> {
    let name = KeyName::Id(id.to_owned());
    keys.resolve(&name).await.map(|key| key.is_some())
}

#[tokio::test]
async fn a_key_is_remembered_for_an_hour_and_its_absence_for_a_minute() {
    let setup = setup();
    for _ in 0..3 {
        assert!(setup.has("good").await.unwrap());
        assert!(!setup.has("bad").await.unwrap());
    }
    assert_eq!(setup.provider.asked(), 2);
    setup.pass(59);
    assert!(!setup.has("bad").await.unwrap());
    assert_eq!(setup.provider.asked(), 2);
    setup.pass(1);
    assert!(!setup.has("bad").await.unwrap());
    assert_eq!(setup.provider.asked_for("bad"), 2);
    setup.pass(3539);
    assert!(setup.has("good").await.unwrap());
    assert_eq!(setup.provider.asked_for("good"), 1);
    setup.pass(1);
    assert!(setup.has("good").await.unwrap());
    assert_eq!(setup.provider.asked_for("good"), 2);
}

#[tokio::test]
async fn one_name_is_looked_up_once_at_a_time() {
    let setup = setup();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let keys = setup.keys.clone();
            tokio::spawn(async move { has(&keys, "slow").await.unwrap() })
        })
        .collect();
    // Another name does not wait.
    assert!(setup.has("good").await.unwrap());
    while setup.provider.asked_for("slow") == 0 {
        tokio::task::yield_now().await;
    }
    setup.provider.go_on.notify_one();
    for task in waiting {
        assert!(task.await.unwrap());
    }
    assert_eq!(setup.provider.asked_for("slow"), 1);
}

#[tokio::test]
async fn a_look_up_outlives_the_request_that_started_it() {
    let setup = setup();
    let keys = setup.keys.clone();
    let impatient = tokio::spawn(async move { has(&keys, "slow").await });
    while setup.provider.asked() == 0 {
        tokio::task::yield_now().await;
    }
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    setup.provider.go_on.notify_one();
    assert!(setup.has("slow").await.unwrap());
    assert_eq!(setup.provider.asked(), 1);
}

#[tokio::test]
async fn while_the_provider_is_down_known_keys_serve_and_it_is_left_alone() {
    let setup = setup();
    assert!(setup.has("good").await.unwrap());
    setup.provider.down.store(true, Ordering::SeqCst);
    setup.pass(3600);
    for _ in 0..5 {
        assert!(setup.has("good").await.unwrap());
        assert!(setup.has("good-2").await.is_err());
    }
    assert_eq!(setup.provider.asked_for("good"), 2);
    assert_eq!(setup.provider.asked_for("good-2"), 1);
    setup.pass(10);
    assert!(setup.has("good-2").await.is_err());
    assert_eq!(setup.provider.asked_for("good-2"), 2);
    // Not for ever: an hour more, and no longer.
    setup.pass(3589);
    assert!(setup.has("good").await.unwrap());
    setup.pass(10);
    assert!(setup.has("good").await.is_err());
    setup.provider.down.store(false, Ordering::SeqCst);
    setup.pass(10);
    assert!(setup.has("good").await.unwrap());
    assert!(setup.has("good-2").await.unwrap());
}

#[tokio::test]
async fn without_stale_keys_a_provider_that_is_down_is_an_error() {
    let mut setup = setup();
    setup.keys = setup.keys.with_max_stale(Duration::ZERO);
    assert!(setup.has("good").await.unwrap());
    setup.provider.down.store(true, Ordering::SeqCst);
    setup.pass(3600);
    assert!(setup.has("good").await.is_err());
}

/// Names are the attacker's: neither the provider, nor the memory, nor the keys
/// that are known suffer from a flood of them.
#[tokio::test]
async fn a16_a_flood_of_names_is_bounded() {
    let mut setup = setup();
    setup.keys = setup.keys.with_max_names(8).unwrap();
    for n in 0..4 {
        assert!(setup.has(&format!("good-{n}")).await.unwrap());
    }
    for n in 0..56 {
        assert!(!setup.has(&format!("bad-{n}")).await.unwrap(), "{n}");
    }
    // 60 look-ups were made in this minute.
    for n in 0..1000 {
        assert!(setup.has(&format!("worse-{n}")).await.is_err(), "{n}");
    }
    assert_eq!(setup.provider.asked(), 60);
    for n in 0..4 {
        assert!(setup.has(&format!("good-{n}")).await.unwrap());
    }
    assert_eq!(setup.provider.asked(), 60);
    setup.pass(60);
    assert!(setup.has("good-new").await.unwrap());
    // A name that no provider would give is not even looked up.
    let long = "k".repeat(4096);
    assert!(!setup.has(&long).await.unwrap());
    assert_eq!(setup.provider.asked(), 61);
}

#[tokio::test]
async fn a_resolver_that_panics_is_an_error() {
    let setup = setup();
    for _ in 0..3 {
        assert!(setup.has("panic").await.is_err());
    }
    assert_eq!(setup.provider.asked(), 1);
    assert!(setup.has("good").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_never_answers_is_given_up() {
    let setup = setup();
    let started = tokio::time::Instant::now();
    assert!(setup.has("never").await.is_err());
    assert_eq!(started.elapsed().as_secs(), 30);
    assert_eq!(setup.provider.finished.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn zero_is_no_setting() {
    let keys = setup().keys;
    assert!(keys.clone().with_ttl(Duration::ZERO).is_err());
    assert!(keys.clone().with_negative_ttl(Duration::ZERO).is_err());
    assert!(keys.clone().with_max_names(0).is_err());
    assert!(keys.with_max_look_ups(0).is_err());
}
