//! What a handler's answer makes of its event.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt, service_fn};
use tower_webhook::dedup::{Duplicate, Lease};
use tower_webhook::store::MemoryStore;
use tower_webhook::{RejectionKind, VerifiedBody, provider};

use crate::support_dedup::*;

#[tokio::test]
async fn c4_a_failed_event_is_released_and_runs_again() {
    for status in [100, 302, 400, 404, 409, 410, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let receiver =
            Receiver::with_handler(provider::stripe(), move |call, request| async move {
                let lease = request.extensions().get::<Lease>().unwrap();
                assert_eq!((lease.attempt() as usize, lease.is_lost()), (call, false));
                match call {
                    1 => status,
                    _ => StatusCode::NO_CONTENT,
                }
            });
        let first = receiver.send(receiver.delivery("evt_1")).await;
        first.assert_handled(status.as_u16());
        let second = receiver.send(receiver.delivery("evt_1")).await;
        second.assert_handled(204);
        let third = receiver.send(receiver.delivery("evt_1")).await;
        third.assert_duplicate_of_attempt(2);
        receiver.assert_calls(2);
        receiver.assert_rows(1);
    }
}

#[tokio::test]
async fn c4_both_rows_of_an_event_with_an_unsigned_id_are_released() {
    let receiver = Receiver::with_handler(provider::github(), |call, _| async move {
        match call {
            1 => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::OK,
        }
    });
    for expected in [500, 200] {
        let request = receiver.delivery_with("evt_1", "{}");
        receiver.send(request).await.assert_handled(expected);
    }
    let request = receiver.delivery_with("evt_1", "{}");
    receiver.send(request).await.assert_duplicate_of_attempt(2);
    receiver.assert_rows(2);
}

#[tokio::test]
async fn c5_a_panic_is_answered_and_releases_the_event() {
    let receiver = Receiver::with_handler(provider::github(), |call, _| async move {
        match call {
            1 => panic!("the handler's bug"),
            2 => {
                tokio::task::yield_now().await;
                panic!("the same, later");
            }
            _ => StatusCode::OK,
        }
    });
    for _ in 0..2 {
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_refused(500, RejectionKind::HandlerPanicked);
    }
    // Others are unaffected, and the event is free.
    for (id, body) in [("evt_2", "2"), ("evt_1", "{}")] {
        let answer = receiver.send(receiver.delivery_with(id, body)).await;
        answer.assert_handled(200);
    }
    let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
    answer.assert_duplicate_of_attempt(3);
    receiver.assert_calls(4);
    receiver.finished().await;
}

/// A value whose `Drop` panics.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in drop");
        }
    }
}

/// A future that panics when it is dropped, unfinished or not.
struct Armed(u16, Grenade);

impl Future for Armed {
    type Output = StatusCode;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<StatusCode> {
        match self.0 {
            0 => panic!("in poll"),
            status => Poll::Ready(StatusCode::from_u16(status).unwrap()),
        }
    }
}

#[tokio::test]
async fn c5_a_panic_in_the_drop_of_a_handler_is_a_panic() {
    for status in [200, 503, 0] {
        let calls = Arc::new(AtomicUsize::new(0));
        let inner = BoxCloneSyncService::new(ArmedService(status, Arc::clone(&calls)));
        let memory = MemoryStore::default();
        let receiver = Receiver::build(provider::github(), memory, |layer| layer, calls, inner);
        for calls in 1..=2 {
            let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
            answer.assert_refused(500, RejectionKind::HandlerPanicked);
            receiver.assert_calls(calls);
        }
        receiver.finished().await;
    }
}

#[derive(Clone)]
struct ArmedService(u16, Arc<AtomicUsize>);

impl Service<Request<VerifiedBody>> for ArmedService {
    type Response = Response<String>;
    type Error = BoxError;
    type Future = ArmedResponse;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<VerifiedBody>) -> ArmedResponse {
        self.1.fetch_add(1, Ordering::SeqCst);
        ArmedResponse(Armed(self.0, Grenade))
    }
}

struct ArmedResponse(Armed);

impl Future for ArmedResponse {
    type Output = Result<Response<String>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|status| {
            let mut response = Response::new("done".to_owned());
            *response.status_mut() = status;
            Ok(response)
        })
    }
}

#[tokio::test]
async fn c5_a_panic_with_a_payload_that_panics_is_one_panic() {
    let receiver = Receiver::with_handler(provider::stripe(), |call, _| async move {
        if call == 1 {
            std::panic::panic_any(Grenade);
        }
        StatusCode::OK
    });
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    answer.assert_refused(500, RejectionKind::HandlerPanicked);
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    answer.assert_handled(200);
}

#[tokio::test]
async fn final_statuses_are_the_configured_ones() {
    let calls = Arc::default();
    let inner = handler(&calls, async |call, _| match call {
        1 => StatusCode::OK,
        _ => StatusCode::GONE,
    });
    let receiver = Receiver::build(
        provider::stripe(),
        MemoryStore::default(),
        |layer| layer.with_final_statuses(|status| status == StatusCode::GONE),
        calls,
        inner,
    );
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    answer.assert_handled(200);
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    answer.assert_handled(410);
    let duplicate = receiver.send(receiver.delivery("evt_1")).await;
    duplicate.assert_duplicate();
    let Duplicate {
        status, attempt, ..
    } = duplicate.duplicate.unwrap();
    assert_eq!((status, attempt), (410, 2));
    receiver.assert_calls(2);
}

#[tokio::test]
async fn a_duplicate_is_answered_with_the_schemes_success_status() {
    let scheme = provider::stripe().with_success_status(StatusCode::ACCEPTED);
    let receiver = Receiver::new(scheme);
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    answer.assert_handled(200);
    let answer = receiver.send(receiver.delivery("evt_1")).await;
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    assert_eq!(answer.duplicate.unwrap().status, 200);
}

fn erring(calls: &Arc<AtomicUsize>, in_readiness: bool) -> Handler {
    let count = Arc::clone(calls);
    let inner = service_fn(move |_: Request<VerifiedBody>| {
        let call = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            match call {
                1 if !in_readiness => Err(BoxError::from("the service's error")),
                _ => Ok(Response::new("done".to_owned())),
            }
        }
    });
    let ready = Arc::new(AtomicUsize::new(0));
    BoxCloneSyncService::new(Unready {
        inner,
        fails: in_readiness,
        ready,
    })
}

/// Whose first readiness is an error.
#[derive(Clone)]
struct Unready<S> {
    inner: S,
    fails: bool,
    ready: Arc<AtomicUsize>,
}

impl<S> Service<Request<VerifiedBody>> for Unready<S>
where
    S: Service<Request<VerifiedBody>, Error = BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.fails && self.ready.fetch_add(1, Ordering::SeqCst) == 0 {
            return Poll::Ready(Err("not ready".into()));
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> S::Future {
        self.inner.call(request)
    }
}

#[tokio::test]
async fn errors_of_the_service_release_the_event_and_pass_through() {
    for (in_readiness, message) in [(false, "the service's error"), (true, "not ready")] {
        let calls = Arc::default();
        let inner = erring(&calls, in_readiness);
        let memory = MemoryStore::default();
        let receiver = Receiver::build(provider::github(), memory, |layer| layer, calls, inner);
        let request = receiver.delivery_with("evt_1", "{}");
        let error = receiver.service.clone().oneshot(request).await;
        assert_eq!(error.unwrap_err().to_string(), message);
        receiver.assert_rows(2);
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_handled(200);
        let answer = receiver.send(receiver.delivery_with("evt_1", "{}")).await;
        answer.assert_duplicate_of_attempt(2);
    }
}
