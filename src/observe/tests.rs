//! Two readers of one body. What the layer does with it: `tests/it/observe.rs`.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::body::{Copied, ObservedBody, split};
use super::case::{Case, Reporter};

type Answer = Option<io::Result<Frame<Bytes>>>;

/// Answers in order, waits at a gap, and at the end for ever.
#[derive(Default)]
struct Scripted {
    answers: VecDeque<Option<Answer>>,
    asked_by: Arc<Mutex<Option<Waker>>>,
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        if let Some(Some(answer)) = self.answers.pop_front() {
            return Poll::Ready(answer);
        }
        *self.asked_by.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.answers.front(), Some(Some(None)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.answers.len() as u64)
    }
}

fn data(bytes: &'static str) -> Option<Answer> {
    Some(Some(Ok(Frame::data(Bytes::from(bytes)))))
}

fn trailers() -> Option<Answer> {
    let mut trailers = HeaderMap::new();
    trailers.insert("digest", "x".parse().unwrap());
    Some(Some(Ok(Frame::trailers(trailers))))
}

fn broken() -> Option<Answer> {
    Some(Some(Err(io::ErrorKind::ConnectionReset.into())))
}

const END: Option<Answer> = Some(None);
const GAP: Option<Answer> = None;

fn case() -> Arc<Case> {
    let reporter = Reporter {
        provider: "test".into(),
        report: None,
    };
    Case::new(reporter).0
}

fn halves(
    answers: impl Into<VecDeque<Option<Answer>>>,
) -> (ObservedBody<Scripted>, Copied<Scripted>) {
    let body = Scripted {
        answers: answers.into(),
        ..Scripted::default()
    };
    split(body, 1000, case())
}

/// What a reader gets, one word for each frame.
async fn read<B>(body: &mut B) -> String
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut body = Pin::new(body);
    match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        None => "end".to_owned(),
        Some(Err(_)) => "broken".to_owned(),
        Some(Ok(frame)) => match frame.into_data() {
            Ok(data) => String::from_utf8(data.to_vec()).unwrap(),
            Err(_) => "trailers".to_owned(),
        },
    }
}

fn poll<B: Body + Unpin>(body: &mut B, waker: &Waker) -> bool {
    let body = Pin::new(body);
    body.poll_frame(&mut Context::from_waker(waker)).is_ready()
}

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn waker() -> (Arc<Woken>, Waker) {
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    (Arc::clone(&woken), Waker::from(woken))
}

/// Every order in which two readers can take four answers each.
#[tokio::test]
async fn both_get_every_frame_in_whatever_order_they_read() {
    for order in 0..256_u32 {
        let (mut inner, mut guard) = halves([data("a"), data("b"), trailers(), END]);
        let (mut to_inner, mut to_guard) = (Vec::new(), Vec::new());
        for turn in 0..8 {
            let inner_first = order >> turn & 1 == 0;
            if (inner_first && to_inner.len() < 4) || to_guard.len() == 4 {
                to_inner.push(read(&mut inner).await);
            } else {
                to_guard.push(read(&mut guard).await);
            }
        }
        assert_eq!(to_inner, ["a", "b", "trailers", "end"], "{order:b}");
        assert_eq!(to_guard, ["a", "b", "trailers", "end"], "{order:b}");
    }
}

#[tokio::test]
async fn the_reason_of_a_break_is_the_inner_services() {
    let (mut inner, mut guard) = halves([data("a"), broken()]);
    assert_eq!(
        [read(&mut guard).await, read(&mut guard).await],
        ["a", "broken"]
    );
    assert_eq!(read(&mut inner).await, "a");
    let reason = poll_fn(|cx| pin!(&mut inner).poll_frame(cx)).await;
    let reason = reason.unwrap().unwrap_err();
    assert_eq!(reason.kind(), io::ErrorKind::ConnectionReset);
}

/// What the body says of itself is what it would say had nobody read ahead.
#[tokio::test]
async fn reading_ahead_changes_no_hint() {
    let (mut inner, mut guard) = halves([data("a"), trailers(), END]);
    let hints = |inner: &ObservedBody<_>| (inner.size_hint().exact(), inner.is_end_stream());
    for _ in 0..3 {
        read(&mut guard).await;
    }
    for expected in [(Some(3), false), (Some(2), false), (Some(1), true)] {
        assert_eq!(hints(&inner), expected);
        read(&mut inner).await;
    }
    assert_eq!(hints(&inner), (Some(0), false));
}

#[tokio::test]
async fn trailers_keep_their_fields_for_the_inner_service() {
    let (mut inner, mut guard) = halves([trailers(), END]);
    read(&mut guard).await;
    let frame = poll_fn(|cx| pin!(&mut inner).poll_frame(cx)).await;
    let trailers = frame.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["digest"], "x");
}

/// The original remembers one waker, and two are waiting.
#[test]
fn whoever_waits_is_woken_whoever_asked_last() {
    for guard_asks_last in [false, true] {
        let body = Scripted::default();
        let asked_by = Arc::clone(&body.asked_by);
        let (mut inner, mut guard) = split(body, 1000, case());
        let (inner_woken, inner_waker) = waker();
        let (guard_woken, guard_waker) = waker();
        if guard_asks_last {
            assert!(!poll(&mut inner, &inner_waker));
            assert!(!poll(&mut guard, &guard_waker));
        } else {
            assert!(!poll(&mut guard, &guard_waker));
            assert!(!poll(&mut inner, &inner_waker));
        }
        asked_by.lock().unwrap().take().unwrap().wake();
        let woken = |woken: &Woken| woken.0.load(Ordering::SeqCst);
        assert_eq!((woken(&inner_woken), woken(&guard_woken)), (1, 1));
    }
}

#[test]
fn a_frame_that_one_takes_wakes_the_other() {
    for guard_waits in [false, true] {
        let (mut inner, mut guard) = halves([GAP, data("a")]);
        let (woken, waiting) = waker();
        let idle = Waker::noop();
        if guard_waits {
            assert!(!poll(&mut guard, &waiting));
            assert!(poll(&mut inner, idle));
        } else {
            assert!(!poll(&mut inner, &waiting));
            assert!(poll(&mut guard, idle));
        }
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        // The frame is there, although the original has no more.
        let found = (poll(&mut inner, idle), poll(&mut guard, idle));
        assert_eq!(found, (!guard_waits, guard_waits));
    }
}

#[tokio::test]
async fn one_reads_on_when_the_other_has_gone() {
    let (mut inner, mut guard) = halves([data("a"), data("b"), END]);
    read(&mut guard).await;
    drop(guard);
    for expected in ["a", "b", "end"] {
        assert_eq!(read(&mut inner).await, expected);
    }
    let (mut inner, mut guard) = halves([data("a"), data("b"), END]);
    read(&mut inner).await;
    drop(inner);
    for expected in ["a", "b", "end"] {
        assert_eq!(read(&mut guard).await, expected);
    }
}

#[test]
fn the_original_goes_with_its_last_reader() {
    let body = Scripted::default();
    let original = Arc::downgrade(&body.asked_by);
    let case = case();
    let (inner, guard) = split(body, 1000, Arc::clone(&case));
    drop(inner);
    assert!(!case.has_read_body());
    assert!(original.upgrade().is_some());
    drop(guard);
    assert!(case.has_read_body());
    assert!(original.upgrade().is_none());
}

/// A guard that is not polled holds what it needs to refuse, and no more.
#[tokio::test]
async fn a_late_guard_holds_no_more_than_it_needs() {
    for (frame, needed) in [("0123456789", 101), ("", 4097)] {
        let frames = std::iter::repeat_with(|| data(frame)).take(5000);
        let (mut inner, mut guard) = halves(frames.chain([END]).collect::<VecDeque<_>>());
        while read(&mut inner).await != "end" {}
        let held = std::iter::from_fn(|| poll(&mut guard, Waker::noop()).then_some(()));
        assert_eq!(held.count(), needed);
    }
}
