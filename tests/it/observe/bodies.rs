//! The inner service reads what was sent, as it was sent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderMap;
use http_body::{Body as _, Frame};
use http_body_util::Full;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower_webhook::provider;

use super::*;
use crate::support::bodies::{Dripping, Endless, Scripted, Step};
use crate::support::{BODY, genuine, signer};
use crate::support_dedup::settle;

const SECOND: Duration = Duration::from_secs(1);

/// One word for each frame.
async fn frames<B>(mut body: B) -> Vec<String>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut words = Vec::new();
    loop {
        words.push(match body.frame().await {
            None => return words,
            Some(Err(error)) => {
                words.push(error.to_string());
                return words;
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => String::from_utf8(data.to_vec()).unwrap(),
                Err(frame) => format!("{:?}", frame.into_trailers().unwrap()),
            },
        });
    }
}

/// Answers with the frames that it got.
async fn frame_by_frame(request: Request<ObservedBody<Body>>) -> Response<Body> {
    Response::new(Body::from(frames(request.into_body()).await.join("|")))
}

#[tokio::test(start_paused = true)]
async fn frames_errors_and_trailers_are_those_that_were_sent() {
    let scheme = provider::github();
    let mut trailers = HeaderMap::new();
    trailers.insert("digest", "x".parse().unwrap());
    let data = |bytes: &'static str| Step::Data(Bytes::from(bytes));
    type Script = Box<dyn Fn() -> Vec<Step>>;
    let scripts: [(Script, &str); 6] = [
        (Box::new(Vec::new), "signature_mismatch"),
        (Box::new(move || vec![data(BODY)]), "accepted"),
        (
            Box::new(move || vec![data(&BODY[..9]), data(""), data(&BODY[9..])]),
            "duplicate",
        ),
        (
            Box::new(move || vec![data("a"), Step::Trailers(trailers.clone())]),
            "signature_mismatch",
        ),
        (
            Box::new(move || vec![data("a"), data("b"), Step::Break, data("never")]),
            "body_unreadable",
        ),
        (
            Box::new(move || (0..200).map(|_| data("0123456789")).collect()),
            "body_too_large",
        ),
    ];
    let configure = |guard: WebhookLayer| guard.with_max_body(1000).unwrap();
    let live = Live::with(&scheme, configure, frame_by_frame);
    for (script, verdict) in scripts {
        let expected = frames(Body::new(Scripted::new(script()))).await.join("|");
        let body = Body::new(Scripted::new(script()));
        let response = live.send(genuine(&scheme).map(|_| body)).await;
        assert_eq!(observed(&response), Some(verdict));
        assert_eq!(live.reports.take(), [verdict]);
        assert_eq!(bytes(response).await, expected);
    }
}

/// For the guard it ends at its deadline, for the handler when it ends.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_slow_for_the_guard_is_handled() {
    let scheme = provider::github();
    let live = Live::new(&scheme);
    let started = Instant::now();
    let reports = live.reports.clone();
    let watching = tokio::spawn(async move {
        tokio::time::sleep(10 * SECOND + Duration::from_millis(1)).await;
        reports.take()
    });
    let body = Dripping::new(BODY, SECOND);
    let response = live.send(genuine(&scheme).map(|_| Body::new(body))).await;
    assert_eq!(started.elapsed().as_secs(), BODY.len() as u64);
    assert_eq!(observed(&response), Some("body_timeout"));
    assert_eq!(bytes(response).await, BODY);
    assert_eq!(watching.await.unwrap(), ["body_timeout"]);

    // In time for the guard, too.
    let request = signer(&scheme).sign("/hook", "{}");
    let body = Dripping::new("{}", SECOND);
    let response = live.send(request.map(|_| Body::new(body))).await;
    assert_eq!(observed(&response), Some("accepted"));
    assert_eq!(bytes(response).await, "{}");
}

/// Places among the slow bodies are the guard's matter.
#[tokio::test(start_paused = true)]
async fn slow_bodies_beyond_the_guards_number_are_handled() {
    let scheme = provider::github();
    let one = |guard: WebhookLayer| guard.with_max_slow_bodies(1).unwrap();
    let live = Live::with(&scheme, one, echo);
    let request = |id| signer(&scheme).with_event_id(id).sign("/hook", "{}");
    let slow = |id| live.send(request(id).map(|_| Body::new(Dripping::new("{}", SECOND))));
    let responses = tokio::join!(slow("1"), slow("2"));
    for response in [responses.0, responses.1] {
        assert_eq!(bytes(response).await, "{}");
    }
    let mut reports = live.reports.take();
    reports.sort_unstable();
    assert_eq!(reports, ["accepted", "too_many_slow_bodies"]);
}

/// Nobody waits for the end of the body: the handler works with what is there.
#[tokio::test(start_paused = true)]
async fn a_handler_that_streams_goes_on_streaming() {
    let scheme = provider::github();
    let (send, mut sent) = mpsc::unbounded_channel();
    let handler = move |request: Request<ObservedBody<Body>>| {
        let send = send.clone();
        let mut body = request.into_body();
        async move {
            while let Some(Ok(frame)) = body.frame().await {
                send.send(frame.into_data().unwrap()).unwrap();
            }
            status(StatusCode::OK)
        }
    };
    let live = Live::with(&scheme, |guard| guard, handler);
    let request = genuine(&scheme).map(|_| Body::new(Scripted::stalled(&BODY[..9])));
    let running = tokio::spawn(async move { live.send(request).await });
    assert_eq!(sent.recv().await.unwrap(), BODY[..9]);
    assert!(!running.is_finished());
    running.abort();
}

/// A handler that takes its time is no slow sender.
#[tokio::test(start_paused = true)]
async fn a_handler_that_reads_late_is_not_reported_as_a_slow_sender() {
    let scheme = provider::github();
    let handler = async |request| {
        tokio::time::sleep(60 * SECOND).await;
        echo(request).await
    };
    let live = Live::with(&scheme, |guard| guard, handler);
    live.handles(genuine(&scheme), "accepted").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_the_handler_does_not_read_is_judged() {
    let scheme = provider::github();
    let handler = async |_| status(StatusCode::OK);
    let live = Live::with(&scheme, |guard| guard, handler);
    let response = live.send(genuine(&scheme)).await;
    assert_eq!(observed(&response), Some("accepted"));

    let started = Instant::now();
    let request = signer(&scheme).with_event_id("2").sign("/hook", "{}");
    let slow = request.map(|_| Body::new(Dripping::new("{}", SECOND)));
    let response = live.send(slow).await;
    assert_eq!(
        (observed(&response), started.elapsed()),
        (None, Duration::ZERO)
    );
    live.finished().await;
    assert_eq!(live.reports.take(), ["accepted", "accepted"]);
}

/// In another task, as proxies do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_can_be_read_in_another_task() {
    let scheme = provider::github();
    let handler =
        async |request: Request<ObservedBody<Body>>| tokio::spawn(echo(request)).await.unwrap();
    let live = Live::with(&scheme, |guard| guard, handler);
    for n in 0..200 {
        let (send, received) = mpsc::channel(1);
        let request = signer(&scheme)
            .with_event_id(n.to_string())
            .sign("/hook", format!("{BODY}{n}"));
        let sent = request.body().clone();
        let pieces = sent.clone();
        let sending = tokio::spawn(async move {
            for piece in pieces.chunks(16) {
                send.send(Bytes::copy_from_slice(piece)).await.unwrap();
            }
        });
        let body = Body::new(Received(received));
        let response = live.send(request.map(|_| body)).await;
        assert_eq!(bytes(response).await, sent);
        sending.await.unwrap();
        live.finished().await;
        assert_eq!(live.reports.take(), ["accepted"], "{n}");
    }
}

/// Sent piece by piece, from anywhere.
struct Received(mpsc::Receiver<Bytes>);

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.0.poll_recv(cx);
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Endless for the guard, which stops, and for a handler that takes a part.
#[tokio::test]
async fn an_endless_body_ends_with_the_handler() {
    let scheme = provider::github();
    let handler = async |request: Request<ObservedBody<Body>>| {
        let mut body = request.into_body();
        for _ in 0..5000 {
            body.frame().await.unwrap().unwrap();
        }
        status(StatusCode::OK)
    };
    let configure = |guard: WebhookLayer| guard.with_max_body(1000).unwrap();
    let live = Live::with(&scheme, configure, handler);
    for (frame, verdict) in [("0123456789", "body_too_large"), ("", "body_unreadable")] {
        let taken = Calls::default();
        let endless = Endless {
            frame: Bytes::from(frame),
            taken: taken.clone(),
        };
        let response = live
            .send(genuine(&scheme).map(|_| Body::new(endless)))
            .await;
        assert_eq!(observed(&response), Some(verdict));
        assert_eq!(taken.get(), 5000);
    }
}

/// Whatever was read ahead, the body says of itself what it said before.
#[tokio::test]
async fn the_length_is_that_of_the_original() {
    let scheme = provider::github();
    let handler = async |request: Request<ObservedBody<Body>>| {
        settle().await;
        let body = request.into_body();
        let (exact, ends) = (body.size_hint().exact(), body.is_end_stream());
        let rest = frames(body).await.concat();
        Response::new(Body::from(format!("{exact:?} {ends} {}", rest.len())))
    };
    let live = Live::with(&scheme, |guard| guard, handler);
    let length = BODY.len();
    let sized = Body::new(Full::new(Bytes::from(BODY)));
    let response = live.send(genuine(&scheme).map(|_| sized)).await;
    assert_eq!(
        bytes(response).await,
        format!("Some({length}) false {length}")
    );
    let chunked = Body::new(Scripted::new([Step::Data(Bytes::from(BODY))]));
    let response = live.send(genuine(&scheme).map(|_| chunked)).await;
    assert_eq!(bytes(response).await, format!("None false {length}"));
    let response = live.send(genuine(&scheme).map(|_| Body::empty())).await;
    assert_eq!(bytes(response).await, "Some(0) true 0");
}
