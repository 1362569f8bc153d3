//! What is reported, and what a report may not do.

use http::HeaderMap;
use tower_webhook::provider;
use tower_webhook::testing::ManualClock;

use super::*;
use crate::support::{BODY, SECRET, genuine, signer};

const MARK: &str = "mark-from-the-request";

#[tokio::test]
async fn an_observation_says_what_the_operator_needs() {
    let scheme = provider::stripe();
    let (guard, _) = guard(&scheme);
    let clock = ManualClock::new(NOW);
    clock.advance(std::time::Duration::from_secs(1000));
    let guard = guard.with_clock(Arc::new(clock));
    let layer = ObserveLayer::new(guard);
    let app = layer.layer(service_fn(async |_: Request<ObservedBody<Body>>| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let response = app.oneshot(genuine(&scheme).map(Body::from)).await.unwrap();
    let observation = response.extensions().get::<Observation>().unwrap();
    assert_eq!(observation.provider(), "stripe");
    assert!(!observation.is_accepted());
    let rejection = observation.rejection().unwrap();
    assert_eq!(rejection.skew_seconds(), Some(1000));
    assert_eq!(rejection.provider(), Some("stripe"));
    assert_eq!(
        observation.to_string(),
        "would be refused: stripe: the timestamp is too old (skew 1000 s)"
    );
}

/// Who reports badly harms nobody but the reports.
#[tokio::test]
async fn a_report_that_panics_disturbs_nobody() {
    let scheme = provider::stripe();
    let layer = ObserveLayer::new(guard(&scheme).0).with_report(|_| panic!("on purpose"));
    let app = layer.layer(service_fn(async |_: Request<ObservedBody<Body>>| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let mut unsigned = genuine(&scheme);
    unsigned.headers_mut().clear();
    for (request, verdict) in [
        (genuine(&scheme), "accepted"),
        (genuine(&scheme), "duplicate"),
        (unsigned, "missing_signature"),
    ] {
        let response = app.clone().oneshot(request.map(Body::from)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(observed(&response), Some(verdict));
    }
}

/// A clock, a limiter or a store of the operator's.
#[tokio::test]
async fn a_guard_that_panics_disturbs_nobody() {
    #[derive(Debug)]
    struct Broken;
    impl tower_webhook::Clock for Broken {
        fn now(&self) -> tower_webhook::Timestamp {
            panic!("on purpose")
        }
    }
    let scheme = provider::stripe();
    let configure = |guard: WebhookLayer| guard.with_clock(Arc::new(Broken));
    let live = Live::with(&scheme, configure, echo);
    let response = live.send(genuine(&scheme)).await;
    assert_eq!(
        (response.status(), observed(&response)),
        (StatusCode::OK, None)
    );
    assert_eq!(bytes(response).await, BODY);
    assert!(live.reports.take().is_empty());
}

/// The request's own text, by header, id and body, is in no report.
#[tokio::test]
async fn nothing_of_the_request_is_in_a_report() {
    for scheme in crate::support::schemes() {
        let live = Live::new(&scheme);
        let marked = || signer(&scheme).with_event_id(MARK).sign("/hook", BODY);
        let mut requests = vec![marked(), marked(), marked().map(|_| MARK.into())];
        let names: Vec<_> = genuine(&scheme).headers().keys().cloned().collect();
        for name in names {
            let mut request = genuine(&scheme);
            let mut headers = HeaderMap::new();
            std::mem::swap(&mut headers, request.headers_mut());
            headers.insert(name, MARK.parse().unwrap());
            *request.headers_mut() = headers;
            requests.push(request);
        }
        for request in requests {
            let response = live.send(request).await;
            let observation = response.extensions().get::<Observation>().unwrap();
            let text = format!("{observation} {observation:?}");
            assert!(!text.contains(MARK) && !text.contains(SECRET), "{text}");
            assert!(!text.contains("evt_1"), "{text}");
        }
    }
}

/// Once each, and never that a request was refused: it was not.
#[cfg(feature = "tracing")]
#[tokio::test]
async fn the_log_says_what_would_be() {
    use crate::support::log::Log;

    let scheme = provider::stripe();
    let live = Live::new(&scheme);
    let mut unsigned = genuine(&scheme);
    unsigned.headers_mut().clear();
    let log = Log::start();
    for (request, level, message, field) in [
        (genuine(&scheme), "INFO", "accepted", ""),
        (genuine(&scheme), "INFO", "a duplicate", " attempt=1"),
        (
            unsigned.clone(),
            "WARN",
            "refused",
            " kind=\"missing_signature\" status=401",
        ),
    ] {
        live.send(request).await;
        let text = log.take();
        let lines: Vec<_> = text
            .lines()
            .filter(|line| !line.contains("DEBUG"))
            .collect();
        let [line] = lines[..] else { panic!("{text}") };
        assert!(
            line.starts_with(&format!("{level} tower_webhook ")),
            "{line}"
        );
        assert!(
            line.contains(&format!("webhook would be {message}")),
            "{line}"
        );
        assert!(
            line.contains("provider=\"stripe\"") && line.contains(field),
            "{line}"
        );
    }

    // In force, as ever.
    let enforced = live.guard.clone().layer(service_fn(
        async |_: Request<tower_webhook::VerifiedBody>| {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        },
    ));
    enforced.oneshot(unsigned.map(Body::from)).await.unwrap();
    assert!(log.take().contains("webhook refused"));
}
