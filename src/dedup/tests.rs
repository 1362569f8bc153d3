use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use http::Response;

use super::future::ResponseFuture;
use super::handlers::Handlers;
use super::protocol::Outcome;
use crate::rejection::DefaultRejectionResponse;

type Passing = std::future::Pending<Result<Response<String>, ()>>;
type Future = ResponseFuture<Passing, DefaultRejectionResponse, String, ()>;

#[tokio::test]
async fn c5_a_future_that_panicked_is_not_run_again() {
    let handlers = Handlers::new();
    let broken = async { panic!("a bug") as Result<Outcome<String>, ()> };
    let mut future: Box<Future> = Box::new(ResponseFuture::processing(
        broken,
        handlers.clone(),
        DefaultRejectionResponse,
    ));
    assert_eq!(handlers.running(), 1);
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let mut cx = Context::from_waker(Waker::noop());
        std::future::Future::poll(pin!(&mut *future), &mut cx)
    }));
    assert!(polled.is_err());
    drop(future);
    assert_eq!(handlers.running(), 0);
}

#[tokio::test]
async fn c6_a_future_that_was_polled_goes_on_without_its_owner() {
    let handlers = Handlers::new();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let slow = async {
        tokio::task::yield_now().await;
        sender.send(()).unwrap();
        Err(()) as Result<Outcome<String>, ()>
    };
    let mut future: Box<Future> = Box::new(ResponseFuture::processing(
        slow,
        handlers.clone(),
        DefaultRejectionResponse,
    ));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(std::future::Future::poll(pin!(&mut *future), &mut cx).is_pending());
    drop(future);
    assert_eq!(handlers.running(), 1);
    handlers.finished().await;
    receiver.await.unwrap();
}
