use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::{BAD, Wish, delivery, from, handler, route, status, three_a_minute};
use crate::rate_limit::{
    Allowance, LimiterError, LimiterFuture, RateKey, RateLimitLayer, RateLimiter,
};

/// Answers what it was told to, at once or later; an error when it was told
/// nothing.
#[derive(Debug, Default)]
struct Scripted {
    later: bool,
    answers: Mutex<VecDeque<Allowance>>,
    charges: AtomicUsize,
}

impl RateLimiter for Scripted {
    fn check(&self, _: RateKey) -> LimiterFuture {
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.ok_or_else(|| LimiterError::new("connection refused"));
        if self.later {
            LimiterFuture::boxed(async {
                tokio::task::yield_now().await;
                answer
            })
        } else {
            LimiterFuture::ready(answer)
        }
    }

    fn charge(&self, key: RateKey) -> LimiterFuture {
        self.charges.fetch_add(1, Ordering::SeqCst);
        self.check(key)
    }
}

#[tokio::test]
async fn e5_without_the_shared_limiter_the_local_one_decides() {
    for later in [false, true] {
        let down = Arc::new(Scripted {
            later,
            ..Scripted::default()
        });
        let layer = RateLimitLayer::per_caller(three_a_minute()).with_limiter(down.clone());
        let service = layer.layer(service_fn(route));
        for _ in 0..3 {
            let answer = status(&service, from("192.0.2.1", BAD)).await;
            assert_eq!(answer, StatusCode::UNAUTHORIZED);
        }
        let answer = status(&service, from("192.0.2.1", None)).await;
        assert_eq!(answer, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(down.charges.load(Ordering::SeqCst), 3);

        let layer = RateLimitLayer::per_delivery(three_a_minute()).with_limiter(down);
        let service = layer.layer(service_fn(handler));
        for expected in [200, 200, 200, 503] {
            let answer = status(&service, delivery("stripe", None)).await;
            assert_eq!(answer.as_u16(), expected);
        }
    }
}

#[tokio::test]
async fn a_shared_limiter_is_asked_instead_of_the_local_one() {
    for later in [false, true] {
        let shared = Arc::new(Scripted {
            later,
            ..Scripted::default()
        });
        let wait = Duration::from_secs(7);
        shared.answers.lock().unwrap().extend([
            Allowance::Allowed,
            Allowance::Allowed,
            Allowance::Limited { retry_after: wait },
        ]);
        let layer = RateLimitLayer::per_caller(three_a_minute()).with_limiter(shared.clone());
        let service = layer.layer(service_fn(route));
        let answer = status(&service, from("192.0.2.1", BAD)).await;
        assert_eq!(answer, StatusCode::UNAUTHORIZED);
        assert_eq!(shared.charges.load(Ordering::SeqCst), 1);
        let refused = service.oneshot(from("192.0.2.1", BAD)).await.unwrap();
        assert_eq!(refused.headers()[RETRY_AFTER], "7");
        assert_eq!(shared.charges.load(Ordering::SeqCst), 1);
    }
}

/// Panics, as many tower services do, when it is called without being ready.
#[derive(Debug, Default)]
struct Strict(bool);

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl Service<Request<Wish>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Wish>) -> Self::Future {
        assert!(std::mem::take(&mut self.0), "not ready");
        std::future::ready(Ok(Response::new(String::new())))
    }
}

#[tokio::test]
async fn the_service_that_was_made_ready_is_the_one_called() {
    let quota = three_a_minute();
    for later in [false, true] {
        let shared = Arc::new(Scripted {
            later,
            ..Scripted::default()
        });
        let mut service = RateLimitLayer::per_caller(quota)
            .with_limiter(shared)
            .layer(Strict::default());
        for _ in 0..2 {
            let ready = service.ready().await.unwrap();
            ready.call(from("192.0.2.1", None)).await.unwrap();
        }
    }
}

#[test]
fn futures_can_be_sent() {
    fn send<T: Send>(_: &T) {}
    let layer = RateLimitLayer::per_caller(three_a_minute());
    send(&layer.layer(Strict(true)).call(from("192.0.2.1", None)));
}
