use std::time::Duration;

use proptest::prelude::*;

use super::{clock, limiter, step, three_a_minute};
use crate::rate_limit::{Allowance, MemoryRateLimiter, Quota, RateKey, RateLimiter};

fn key(number: u64) -> RateKey {
    RateKey::names(&[&number.to_string()])
}

fn allowed(allowance: Allowance) -> bool {
    allowance == Allowance::Allowed
}

fn wait(allowance: Allowance) -> Duration {
    match allowance {
        Allowance::Allowed => Duration::ZERO,
        Allowance::Limited { retry_after } => retry_after,
    }
}

#[test]
fn a_key_may_use_its_burst_and_then_its_rate() {
    let (limiter, clock) = limiter(three_a_minute());
    for _ in 0..3 {
        assert!(allowed(limiter.charge_now(key(1))));
    }
    assert_eq!(wait(limiter.charge_now(key(1))), Duration::from_secs(20));
    assert!(allowed(limiter.charge_now(key(2))));
    step(&clock, 19_999);
    assert_eq!(wait(limiter.charge_now(key(1))), Duration::from_millis(1));
    step(&clock, 1);
    assert!(allowed(limiter.charge_now(key(1))));
    assert!(!allowed(limiter.charge_now(key(1))));
    step(&clock, 60_000);
    for _ in 0..3 {
        assert!(allowed(limiter.charge_now(key(1))));
    }
}

#[test]
fn a_check_takes_nothing_and_agrees_with_the_charge() {
    let (limiter, _clock) = limiter(three_a_minute());
    for _ in 0..3 {
        for _ in 0..100 {
            assert!(allowed(limiter.check_now(key(1))));
        }
        assert!(allowed(limiter.charge_now(key(1))));
    }
    let refused = limiter.check_now(key(1));
    assert!(!allowed(refused));
    assert_eq!(refused, limiter.charge_now(key(1)));
}

#[test]
fn checks_alone_are_not_remembered() {
    let limiter = MemoryRateLimiter::new(three_a_minute());
    for number in 0..1000 {
        limiter.check_now(key(number));
    }
    assert_eq!(limiter.into_len(), 0);
}

#[test]
fn e2_a_flood_of_callers_stays_within_the_bound() {
    let (limiter, clock) = limiter(three_a_minute());
    let limiter = limiter.with_max_keys(10_000).unwrap();
    let known = key(u64::MAX);
    for _ in 0..3 {
        limiter.charge_now(known);
    }
    let mut shared = 0_u32;
    for caller in 0..200_000_u32 {
        if caller.is_multiple_of(4_000) {
            step(&clock, 1_000);
            // Whoever is over the quota cannot hide in the flood.
            limiter.charge_now(known);
            assert!(!allowed(limiter.charge_now(known)));
        }
        let caller = RateKey::caller(std::net::Ipv4Addr::from_bits(caller).into());
        shared += u32::from(!allowed(limiter.charge_now(caller)));
    }
    assert!(shared > 0, "new keys share the overflow buckets");
    assert!(limiter.into_len() <= 10_000);
}

#[test]
fn e2_keys_at_rest_make_room() {
    let (limiter, clock) = limiter(three_a_minute());
    let limiter = limiter.with_max_keys(2).unwrap();
    assert!(allowed(limiter.charge_now(key(1))));
    assert!(allowed(limiter.charge_now(key(2))));
    // No room: these share one bucket.
    for number in 3..6 {
        assert!(allowed(limiter.charge_now(key(number))));
    }
    assert!(!allowed(limiter.charge_now(key(6))));
    // Nobody is refused for what others took.
    assert!(allowed(limiter.check_now(key(6))));
    // The first two are as good as new after a third of a minute.
    step(&clock, 20_000);
    for number in 6..8 {
        for _ in 0..3 {
            assert!(allowed(limiter.charge_now(key(number))));
        }
    }
    assert_eq!(limiter.into_len(), 2);
}

#[test]
fn e7_a_clock_set_back_locks_nobody_out_for_longer_than_the_period() {
    for setback in [1, 59_999, 60_000, 3_600_000, 2_000_000_000_000] {
        let (limiter, clock) = limiter(three_a_minute());
        for _ in 0..3 {
            limiter.charge_now(key(1));
        }
        step(&clock, -setback);
        assert!(wait(limiter.check_now(key(1))) <= Duration::from_secs(60));
        // Even if somebody keeps looking.
        for _ in 0..60 {
            limiter.check_now(key(1));
            step(&clock, 1_000);
        }
        if setback < 1_800_000_000_000 {
            assert!(allowed(limiter.charge_now(key(1))), "{setback}");
        }
    }
}

#[test]
fn e7_a_clock_set_back_does_not_pin_keys() {
    let (limiter, clock) = limiter(three_a_minute());
    let limiter = limiter.with_max_keys(32).unwrap();
    for number in 0..32 {
        limiter.charge_now(key(number));
    }
    step(&clock, -3_600_000);
    limiter.charge_now(key(100));
    step(&clock, 60_000);
    for number in 200..232 {
        for _ in 0..3 {
            assert!(allowed(limiter.charge_now(key(number))));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_clock_follows_the_runtime() {
    let limiter = MemoryRateLimiter::new(Quota::per_second(1).unwrap());
    assert!(allowed(limiter.charge(key(1)).await.unwrap()));
    assert!(!allowed(limiter.charge(key(1)).await.unwrap()));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(allowed(limiter.charge(key(1)).await.unwrap()));
}

proptest! {
    #[test]
    fn e7_no_clock_and_no_quota_makes_it_panic_or_wait_too_long(
        requests in 1..=u32::MAX,
        period in 1..=u64::MAX,
        burst in 1..=u32::MAX,
        times: Vec<i64>,
    ) {
        let quota = Quota::new(requests, Duration::from_nanos(period)).unwrap();
        let quota = quota.with_burst(burst).unwrap();
        let clock = clock();
        let limiter = MemoryRateLimiter::new(quota).with_clock(clock.clone()).with_max_keys(1).unwrap();
        for (number, time) in (0..).zip(times) {
            clock.set(crate::Timestamp::from_unix_millis(time));
            prop_assert!(wait(limiter.charge_now(key(number % 3))) <= quota.period());
            prop_assert!(wait(limiter.check_now(key(number % 2))) <= quota.period());
        }
    }

    /// However requests are spread, no more than the burst and what the rate
    /// adds to it are allowed.
    #[test]
    fn the_quota_holds(
        requests in 1..20_u32,
        burst in 1..20_u32,
        pauses in prop::collection::vec(0..500_i64, 0..200),
    ) {
        let quota = Quota::per_second(requests).unwrap().with_burst(burst).unwrap();
        let (limiter, clock) = limiter(quota);
        let (mut elapsed, mut granted) = (0, 0_u128);
        for pause in pauses {
            step(&clock, pause);
            elapsed += pause;
            granted += u128::from(allowed(limiter.charge_now(key(1))));
            let refilled = u128::from(elapsed.unsigned_abs()) * 1_000_000 / quota.interval().as_nanos();
            prop_assert!(granted <= u128::from(burst) + refilled);
        }
    }
}
