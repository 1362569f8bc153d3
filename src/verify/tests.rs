use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};

use super::VerifyLayer;
use crate::rejection::{Rejection, RejectionKind};
use crate::{ConfigError, VerifiedBody, Verifier, provider};

fn layer() -> VerifyLayer {
    VerifyLayer::new(Verifier::new(provider::gitlab_token(), "token").unwrap())
}

fn request(body: &'static str) -> Request<Full<Bytes>> {
    Request::post("/")
        .header("x-gitlab-token", "token")
        .body(Full::new(Bytes::from(body)))
        .unwrap()
}

#[test]
fn limits_of_zero_are_configuration_errors() {
    for built in [
        layer().with_max_body(0),
        layer().with_body_timeout(Duration::ZERO),
        layer().with_max_slow_bodies(0),
    ] {
        assert!(matches!(built, Err(ConfigError::Zero { .. })));
    }
    // More places than the semaphore has room for are all there are.
    assert!(layer().with_max_slow_bodies(usize::MAX).is_ok());
}

/// A body that is there when it is asked for needs no timer, and so no
/// runtime, and no place among the slow ones.
#[test]
fn a_body_that_is_there_waits_for_nothing() {
    let layer = layer().with_max_slow_bodies(1).unwrap();
    let service = layer.layer(service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let mut response = std::pin::pin!(service.oneshot(request("{}")));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(response) = response.as_mut().poll(&mut context) else {
        panic!("it waits");
    };
    assert_eq!(response.unwrap().status(), StatusCode::OK);
}

/// Copies of a layer, and of what it is set up from, bound together.
#[tokio::test(start_paused = true)]
async fn a_layers_services_share_their_places() {
    let layer = layer().with_max_slow_bodies(1).unwrap();
    let copy = layer.clone().with_max_body(10).unwrap();
    let inner = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let stalled = || request("").map(|_| Never);
    let (one, other) = tokio::join!(
        layer.layer(inner).oneshot(stalled()),
        copy.layer(inner).oneshot(stalled())
    );
    let mut kinds = [one, other].map(|response| {
        let response = response.unwrap();
        let rejection = response.extensions().get::<Rejection>();
        rejection.unwrap().kind().as_str()
    });
    kinds.sort_unstable();
    let expected = [
        RejectionKind::BodyTimeout.as_str(),
        RejectionKind::TooManySlowBodies.as_str(),
    ];
    assert_eq!(kinds, expected);
}

/// A body of which nothing ever comes.
struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        std::task::Poll::Pending
    }
}
