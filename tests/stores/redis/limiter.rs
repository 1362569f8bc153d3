//! The limiter that a fleet shares.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use http::{Request, Response, StatusCode};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_webhook::client_ip::PeerAddr;
use tower_webhook::rate_limit::{
    Allowance, Quota, RateKey, RateLimitLayer, RateLimiter, RedisRateLimiter,
};
use tower_webhook::{ConfigError, VerifiedBody, Verifier, VerifyLayer, provider};

use super::{PATIENCE, connection};
use crate::servers::Redis;

/// Slow enough that no test lives to see a refill.
fn one_an_hour(burst: u32) -> Quota {
    let quota = Quota::new(1, Duration::from_secs(3600)).unwrap();
    quota.with_burst(burst).unwrap()
}

/// One that a busy machine does not make limit locally.
fn patient(
    connection: MultiplexedConnection,
    quota: Quota,
) -> RedisRateLimiter<MultiplexedConnection> {
    let limiter = RedisRateLimiter::new(connection, quota);
    limiter.with_deadline(PATIENCE).unwrap()
}

fn somebody() -> RateKey {
    RateKey::names(&[&RandomState::new().hash_one(()).to_string()])
}

fn is_allowed(allowance: Allowance) -> bool {
    allowance == Allowance::Allowed
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_share_one_quota_exactly() {
    let quota = one_an_hour(50);
    let connection = connection(Redis::shared()).await;
    let machines = [(); 4].map(|()| Arc::new(patient(connection.clone(), quota)));
    let key = somebody();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let machine = Arc::clone(&machines[number % machines.len()]);
        tasks.spawn(async move { machine.charge(key).await.unwrap() });
    }
    let allowed = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|a| is_allowed(*a));
    assert_eq!(allowed.count(), 50);

    let other_quota = patient(connection, one_an_hour(49));
    assert!(is_allowed(other_quota.charge(key).await.unwrap()));
}

#[tokio::test]
async fn a_burst_is_refilled_one_by_one_and_looking_takes_nothing() {
    let prefix = format!("{:016x}:", RandomState::new().hash_one(()));
    let mut connection = connection(Redis::shared()).await;
    let limiter = patient(connection.clone(), one_an_hour(3));
    let limiter = limiter.with_prefix(&prefix).unwrap();
    let key = somebody();
    for _ in 0..10 {
        assert!(is_allowed(limiter.check(key).await.unwrap()));
    }
    let keys = ::redis::cmd("KEYS").arg(format!("{prefix}*")).clone();
    let found: Vec<String> = keys.query_async(&mut connection).await.unwrap();
    assert!(found.is_empty(), "a look leaves no trace");

    let hour = Duration::from_secs(3600);
    for _ in 0..3 {
        assert!(is_allowed(limiter.charge(key).await.unwrap()));
    }
    for _ in 0..2 {
        let refused = limiter.charge(key).await.unwrap();
        let Allowance::Limited { retry_after } = refused else {
            panic!("{refused:?}");
        };
        assert!(retry_after <= hour && retry_after > hour - Duration::from_secs(60));
    }

    // An hour passes: the bucket is full again that much earlier.
    let [bucket] = &keys
        .query_async::<Vec<String>>(&mut connection)
        .await
        .unwrap()[..]
    else {
        panic!("one bucket");
    };
    let mut left = ::redis::cmd("PTTL");
    let left: u64 = left.arg(bucket).query_async(&mut connection).await.unwrap();
    assert!(left <= 3 * 3_600_000, "it is forgotten when it is full");
    let mut pass = ::redis::cmd("DECRBY");
    pass.arg(bucket).arg(3_600_000_000_u64);
    pass.exec_async(&mut connection).await.unwrap();
    assert!(is_allowed(limiter.check(key).await.unwrap()));
    assert!(is_allowed(limiter.charge(key).await.unwrap()));
    assert!(!is_allowed(limiter.charge(key).await.unwrap()));

    // The clock is set back by a century: the bucket waits for one period.
    let mut set_back = ::redis::cmd("INCRBY");
    set_back.arg(bucket).arg(100 * 365 * 86_400_000_000_u64);
    set_back.exec_async(&mut connection).await.unwrap();
    for _ in 0..2 {
        let refused = limiter.check(key).await.unwrap();
        assert!(
            matches!(refused, Allowance::Limited { retry_after } if retry_after <= hour),
            "{refused:?}"
        );
    }
    pass.exec_async(&mut connection).await.unwrap();
    assert!(is_allowed(limiter.charge(key).await.unwrap()));
}

#[tokio::test]
async fn the_largest_quotas_are_exact_too() {
    let connection = connection(Redis::shared()).await;
    let quotas = [
        Quota::new(u32::MAX, Duration::from_nanos(1)).unwrap(),
        Quota::new(1, Duration::MAX).unwrap(),
        Quota::new(7, Duration::MAX).unwrap(),
    ];
    for quota in quotas {
        let (limiter, key) = (patient(connection.clone(), quota), somebody());
        assert!(is_allowed(limiter.charge(key).await.unwrap()));
        for _ in 1..quota.burst().min(7) {
            assert!(is_allowed(limiter.charge(key).await.unwrap()));
        }
        if quota.burst() <= 7 {
            let refused = limiter.charge(key).await.unwrap();
            let longest = quota.interval() + Duration::from_micros(1);
            assert!(
                matches!(refused, Allowance::Limited { retry_after } if retry_after <= longest),
                "{quota:?}: {refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn e5_without_redis_a_share_of_the_quota_is_limited_locally() {
    let server = Redis::start();
    let quota = one_an_hour(9);
    let limiter = RedisRateLimiter::connect(&server.url(), quota).await;
    let limiter = limiter.unwrap().with_share(3).unwrap();
    let layer = RateLimitLayer::per_caller(quota).with_limiter(Arc::new(limiter));
    let verifier = Verifier::new(provider::stripe(), "whsec_example").unwrap();
    let service = ServiceBuilder::new()
        .layer(layer)
        .layer(VerifyLayer::new(verifier))
        .service(service_fn(async |_: Request<VerifiedBody>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
    let answer = async |caller: &str| {
        let mut request = Request::post("/").body(String::from("forged")).unwrap();
        let peer = PeerAddr::new((caller.parse::<std::net::IpAddr>().unwrap(), 4711).into());
        request.extensions_mut().insert(peer);
        service.clone().oneshot(request).await.unwrap().status()
    };
    let (unauthorized, limited) = (StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer("192.0.2.3").await, unauthorized);

    server.pause();
    let started = Instant::now();
    for _ in 0..3 {
        assert_eq!(answer("192.0.2.1").await, unauthorized);
    }
    for _ in 0..1000 {
        assert_eq!(answer("192.0.2.1").await, limited);
    }
    assert_eq!(answer("192.0.2.2").await, unauthorized);
    // A thousand deadlines are four minutes.
    assert!(started.elapsed() < Duration::from_secs(30));

    server.resume();
    tokio::time::timeout(Duration::from_secs(60), async {
        // The local limiter refuses for an hour, Redis has nine left.
        while answer("192.0.2.1").await == limited {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn bad_settings_are_configuration_errors() {
    let connection = connection(Redis::shared()).await;
    let limiter = || RedisRateLimiter::new(connection.clone(), one_an_hour(1));
    let zero = |result: Result<_, ConfigError>| matches!(result, Err(ConfigError::Zero { .. }));
    assert!(zero(limiter().with_share(0).map(|_| ())));
    assert!(zero(limiter().with_deadline(Duration::ZERO).map(|_| ())));
    let prefix = limiter().with_prefix("with space").map(|_| ());
    assert!(matches!(prefix, Err(ConfigError::InvalidPrefix { .. })));
    let all = limiter().with_share(u32::MAX).unwrap();
    assert!(format!("{all:?}").contains("burst: 1"), "{all:?}");
    assert!(
        RedisRateLimiter::connect("http://x", one_an_hour(1))
            .await
            .is_err()
    );
}
