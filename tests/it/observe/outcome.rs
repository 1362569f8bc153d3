//! What becomes of an event while its guard is observed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tower_webhook::delivery::Tenant;
use tower_webhook::provider;

use super::*;
use crate::support::{genuine, signer};
use crate::support_dedup::{Op, settle};

/// A handler that answers these, one after the other.
fn answering(
    statuses: &'static [u16],
) -> impl Fn(Request<ObservedBody<Body>>) -> std::future::Ready<Response<Body>> + Clone {
    let calls = Arc::new(AtomicUsize::new(0));
    move |_| {
        let code = statuses[calls.fetch_add(1, Ordering::SeqCst)];
        std::future::ready(status(StatusCode::from_u16(code).unwrap()))
    }
}

#[tokio::test]
async fn a_retry_after_a_failure_is_no_duplicate() {
    let scheme = provider::stripe();
    let handler = answering(&[500, 404, 302, 204, 500]);
    let live = Live::with(&scheme, |guard| guard, handler);
    for (code, verdict) in [
        (500, "accepted"),
        (404, "accepted"),
        (302, "accepted"),
        (204, "accepted"),
        (500, "duplicate"),
    ] {
        let response = live.send(genuine(&scheme)).await;
        assert_eq!(response.status().as_u16(), code);
        assert_eq!(observed(&response), Some(verdict), "{code}");
    }
}

#[tokio::test]
async fn which_statuses_settle_an_event_is_as_the_guard_says() {
    let scheme = provider::stripe();
    let configure = |guard: WebhookLayer| {
        let dedup = DedupLayer::in_memory();
        let dedup = dedup.with_final_statuses(|status| status != StatusCode::OK);
        guard.with_dedup(dedup).unwrap()
    };
    let live = Live::with(&scheme, configure, answering(&[200, 400, 200]));
    for verdict in ["accepted", "accepted", "duplicate"] {
        let response = live.send(genuine(&scheme)).await;
        assert_eq!(observed(&response), Some(verdict));
    }
}

/// What is in front put something there for both; neither finds what the other
/// was given.
#[tokio::test]
async fn extensions_are_for_both_and_stay_apart() {
    let scheme = provider::stripe();
    let handler = async |request: Request<ObservedBody<Body>>| {
        let extensions = request.extensions();
        assert!(extensions.get::<Tenant>().is_some());
        assert_eq!(extensions.len(), 1);
        status(StatusCode::OK)
    };
    let live = Live::with(&scheme, |guard| guard, handler);
    for (tenant, verdict) in [("a", "accepted"), ("b", "accepted"), ("a", "duplicate")] {
        let mut request = genuine(&scheme);
        request.extensions_mut().insert(Tenant::new(tenant));
        let response = live.send(request).await;
        assert_eq!(observed(&response), Some(verdict));
        assert_eq!(response.extensions().len(), 1, "{tenant}");
    }
}

/// Nothing that was not accepted may leave a trace.
#[tokio::test]
async fn a_refused_request_touches_no_store() {
    let scheme = provider::stripe();
    let live = Live::new(&scheme);
    let forged = genuine(&scheme).map(|_| Bytes::from_static(b"{\"id\":\"evt_1\"}"));
    live.handles(forged, "signature_mismatch").await;
    assert_eq!(live.store.asked(Op::Claim), 0);
    live.handles(genuine(&scheme), "accepted").await;
}

/// A route whose handler waits for the gate.
fn gated(scheme: &Scheme) -> (Live, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::clone(&gate);
    let handler = move |_| {
        let gate = Arc::clone(&inside);
        async move {
            gate.acquire().await.unwrap().forget();
            status(StatusCode::OK)
        }
    };
    (Live::with(scheme, |guard| guard, handler), gate)
}

#[tokio::test(start_paused = true)]
async fn two_deliveries_at_once_both_run_and_one_is_in_flight() {
    let scheme = provider::stripe();
    let (live, gate) = gated(&scheme);
    let send = || {
        let live = live.clone();
        let request = genuine(&scheme);
        tokio::spawn(async move { live.send(request).await })
    };
    let first = send();
    settle().await;
    // For longer than a lease, which is renewed.
    tokio::time::sleep(Duration::from_secs(100)).await;
    let second = send();
    settle().await;
    assert_eq!(live.reports.take(), ["accepted", "in_flight"]);
    assert_eq!(live.calls.get(), 2);
    gate.add_permits(3);
    assert_eq!(observed(&first.await.unwrap()), Some("accepted"));
    assert_eq!(observed(&second.await.unwrap()), Some("in_flight"));
    assert_eq!(
        observed(&live.send(genuine(&scheme)).await),
        Some("duplicate")
    );
}

/// The handler ends with its connection, as without the layer, and the event
/// is free for the next delivery.
#[tokio::test(start_paused = true)]
async fn a_sender_who_leaves_takes_the_handler_with_it() {
    let scheme = provider::stripe();
    let (live, gate) = gated(&scheme);
    let left = tokio::time::timeout(Duration::from_secs(1), live.send(genuine(&scheme))).await;
    assert!(left.is_err());
    live.finished().await;
    assert_eq!(live.reports.take(), ["accepted"]);
    assert_eq!(live.store.asked(Op::Release), 1);
    gate.add_permits(1);
    let again = live.send(genuine(&scheme)).await;
    assert_eq!(observed(&again), Some("accepted"));
    assert_eq!(
        gate.available_permits(),
        0,
        "the first handler did not go on"
    );
}

/// As with the guard in force: nobody is there to be answered.
#[tokio::test(start_paused = true)]
async fn a_sender_who_leaves_before_the_body_has_come_is_not_reported() {
    use crate::support::bodies::Scripted;
    let scheme = provider::github();
    let live = Live::new(&scheme);
    let request = genuine(&scheme).map(|_| Body::new(Scripted::stalled("{")));
    let left = tokio::time::timeout(Duration::from_secs(1), live.send(request)).await;
    assert!(left.is_err());
    live.finished().await;
    assert!(live.reports.take().is_empty());
    assert_eq!(live.store.asked(Op::Claim), 0);
}

/// The store has not answered yet.
#[tokio::test(start_paused = true)]
async fn a_sender_who_leaves_during_the_claim_leaves_nothing_behind() {
    use crate::support_dedup::Fault;
    let scheme = provider::stripe();
    let (live, gate) = gated(&scheme);
    let slow = Fault::Slow(Duration::from_millis(1500));
    live.store.break_next(Op::Claim, slow, 1);
    let left = tokio::time::timeout(Duration::from_secs(1), live.send(genuine(&scheme))).await;
    assert!(left.is_err());
    live.finished().await;
    assert_eq!(live.reports.take(), ["accepted"]);
    gate.add_permits(1);
    let again = live.send(genuine(&scheme)).await;
    assert_eq!(observed(&again), Some("accepted"));
}

#[tokio::test]
async fn a_handler_that_panics_panics_and_its_event_is_released() {
    let scheme = provider::stripe();
    let calls = Calls::default();
    let counted = calls.clone();
    let handler = move |_| {
        counted.add();
        let first = counted.get() == 1;
        async move {
            tokio::task::yield_now().await;
            assert!(!first, "on purpose");
            status(StatusCode::OK)
        }
    };
    let live = Live::with(&scheme, |guard| guard, handler);
    let request = genuine(&scheme);
    let panicking = tokio::spawn({
        let live = live.clone();
        async move { live.send(request).await }
    });
    assert!(panicking.await.unwrap_err().is_panic());
    live.finished().await;
    assert_eq!(live.reports.take(), ["accepted"]);
    for verdict in ["accepted", "duplicate"] {
        assert_eq!(observed(&live.send(genuine(&scheme)).await), Some(verdict));
    }
}

/// An inner service that fails, fails as it did, and has processed nothing.
#[tokio::test]
async fn an_error_is_passed_on_and_its_event_released() {
    let scheme = provider::stripe();
    let (guard, store) = guard(&scheme);
    let reports = Reports::default();
    let failing = service_fn(async |_: Request<ObservedBody<Body>>| {
        Err::<Response<Body>, tower::BoxError>("the handler's own".into())
    });
    let app = reports.observing(guard).layer(failing);
    for released in 1..3 {
        let error = app.clone().oneshot(genuine(&scheme).map(Body::from)).await;
        assert_eq!(error.unwrap_err().to_string(), "the handler's own");
        assert_eq!(reports.take(), ["accepted"]);
        assert_eq!(store.asked(Op::Release), released);
    }
}

/// What is in force on one node and observed on another is one memory.
#[tokio::test]
async fn what_was_processed_while_observed_is_known_when_in_force() {
    let scheme = provider::stripe();
    let live = Live::new(&scheme);
    live.handles(genuine(&scheme), "accepted").await;
    let enforced = live.guard.clone().layer(service_fn(
        async |_: Request<tower_webhook::VerifiedBody>| {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        },
    ));
    let send = |request: Request<Bytes>| enforced.clone().oneshot(request.map(Body::from));
    let again = send(genuine(&scheme)).await.unwrap();
    assert!(
        again
            .extensions()
            .get::<tower_webhook::dedup::Duplicate>()
            .is_some()
    );
    let other = || signer(&scheme).sign("/hook", r#"{"id":"evt_2"}"#);
    assert_eq!(send(other()).await.unwrap().status(), StatusCode::OK);
    live.handles(other(), "duplicate").await;
}
