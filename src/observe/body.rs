//! One body, read by two: the inner service and the guard.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::case::Case;

/// The body of an observed request, as the inner service gets it: every frame,
/// error and trailer of the original, in the order and at the time it came.
///
/// It proves nothing: whether the request is genuine may not be known yet. A
/// service that takes a [`VerifiedBody`](crate::VerifiedBody) cannot be observed:
///
/// ```compile_fail,E0277
/// # use axum::{Router, routing::post};
/// # use tower::ServiceBuilder;
/// # use tower_webhook::dedup::DedupLayer;
/// # use tower_webhook::{Verifier, WebhookLayer, observe::ObserveLayer, provider};
/// # async fn handler() {}
/// # let verifier = Verifier::new(provider::stripe(), "whsec_example").unwrap();
/// let stack = ServiceBuilder::new()
///     .layer(ObserveLayer::new(WebhookLayer::new(verifier)))
///     .layer(DedupLayer::in_memory()); // takes what is verified
/// let app: Router = Router::new().route("/", post(handler).layer(stack));
/// ```
pub struct ObservedBody<B: Body> {
    shared: Arc<Shared<B>>,
}

/// What the guard reads: the same bytes.
pub(super) struct Copied<B: Body> {
    shared: Arc<Shared<B>>,
    case: Arc<Case>,
}

/// The original could not be read. The inner service has the reason.
pub(super) struct Unreadable;

/// Splits `body`. The guard needs no more than `enough` bytes to judge it.
pub(super) fn split<B>(body: B, enough: usize, case: Arc<Case>) -> (ObservedBody<B>, Copied<B>)
where
    B: Body<Data = Bytes>,
{
    let wakers = Arc::<Wakers>::default();
    let shared = Arc::new(Shared {
        both: Waker::from(Arc::clone(&wakers)),
        wakers,
        state: Mutex::new(State {
            body: Box::pin(body),
            ahead: Some(VecDeque::new()),
            copies: Copies {
                queue: Some(VecDeque::new()),
                bytes: 0,
                empty: 0,
                enough,
            },
        }),
    });
    let observed = ObservedBody {
        shared: Arc::clone(&shared),
    };
    (observed, Copied { shared, case })
}

struct Shared<B: Body> {
    wakers: Arc<Wakers>,
    /// Wakes both readers: the original remembers only who asked last.
    both: Waker,
    state: Mutex<State<B>>,
}

struct State<B: Body> {
    body: Pin<Box<B>>,
    /// What the guard has read and the inner service has not. `None` once the
    /// inner service reads no more.
    ahead: Option<VecDeque<Ahead<B::Error>>>,
    copies: Copies,
}

/// What the original answered, and what it said of itself before.
struct Ahead<E> {
    answer: Answer<E>,
    size_hint: SizeHint,
    is_end_stream: bool,
}

type Answer<E> = Option<Result<Frame<Bytes>, E>>;

/// What the inner service has read and the guard has not.
struct Copies {
    /// `None` once the guard reads no more.
    queue: Option<VecDeque<Answer<Unreadable>>>,
    bytes: usize,
    empty: usize,
    enough: usize,
}

impl Copies {
    /// More frames without data than the guard takes.
    const ENOUGH_EMPTY: usize = 4096;

    fn push<E>(&mut self, answer: &Answer<E>) {
        // A guard that is late must not make a handler that streams hold what
        // it has read: of this the guard will refuse the first part.
        let enough = self.bytes > self.enough || self.empty > Self::ENOUGH_EMPTY;
        let copy = self.count(answer);
        if let Some(queue) = self.queue.as_mut().filter(|_| !enough) {
            queue.push_back(copy);
        }
    }

    fn count<E>(&mut self, answer: &Answer<E>) -> Answer<Unreadable> {
        let copy = copy(answer);
        if let Some(Ok(frame)) = &copy {
            match frame.data_ref().map_or(0, Bytes::len) {
                0 => self.empty = self.empty.saturating_add(1),
                length => self.bytes = self.bytes.saturating_add(length),
            }
        }
        copy
    }
}

fn copy<E>(answer: &Answer<E>) -> Answer<Unreadable> {
    Some(match answer.as_ref()? {
        Ok(frame) => Ok(match frame.data_ref() {
            Some(data) => Frame::data(data.clone()),
            None => Frame::trailers(HeaderMap::new()),
        }),
        Err(_) => Err(Unreadable),
    })
}

impl<B: Body<Data = Bytes>> Shared<B> {
    /// A body that panicked has said so to whoever polled it.
    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_inner(&self, cx: &Context<'_>) -> Poll<Answer<B::Error>> {
        let mut state = self.state();
        if let Some(ahead) = state.ahead.as_mut().and_then(VecDeque::pop_front) {
            return Poll::Ready(ahead.answer);
        }
        self.wakers.inner.set(cx.waker());
        let mut cx = Context::from_waker(&self.both);
        let answer = ready!(state.body.as_mut().poll_frame(&mut cx));
        state.copies.push(&answer);
        drop(state);
        self.wakers.guard.wake();
        Poll::Ready(answer)
    }

    fn poll_guard(&self, cx: &Context<'_>) -> Poll<Answer<Unreadable>> {
        let mut state = self.state();
        if let Some(copy) = state.copies.queue.as_mut().and_then(VecDeque::pop_front) {
            return Poll::Ready(copy);
        }
        self.wakers.guard.set(cx.waker());
        let size_hint = state.body.size_hint();
        let is_end_stream = state.body.is_end_stream();
        let mut cx = Context::from_waker(&self.both);
        let answer = ready!(state.body.as_mut().poll_frame(&mut cx));
        let copy = state.copies.count(&answer);
        if let Some(queue) = &mut state.ahead {
            queue.push_back(Ahead {
                answer,
                size_hint,
                is_end_stream,
            });
        }
        drop(state);
        self.wakers.inner.wake();
        Poll::Ready(copy)
    }
}

impl<B: Body<Data = Bytes>> Body for ObservedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer<B::Error>> {
        self.shared.poll_inner(cx)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.shared.state();
        match state.ahead.as_ref().and_then(VecDeque::front) {
            Some(next) => next.is_end_stream,
            None => state.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.shared.state();
        match state.ahead.as_ref().and_then(VecDeque::front) {
            Some(next) => next.size_hint,
            None => state.body.size_hint(),
        }
    }
}

impl<B: Body<Data = Bytes>> Body for Copied<B> {
    type Data = Bytes;
    type Error = Unreadable;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer<Unreadable>> {
        self.shared.poll_guard(cx)
    }

    /// Asked for once, before anything is read.
    fn size_hint(&self) -> SizeHint {
        self.shared.state().body.size_hint()
    }
}

impl<B: Body> Drop for ObservedBody<B> {
    fn drop(&mut self) {
        let state = self.shared.state.lock();
        let unread = state.unwrap_or_else(PoisonError::into_inner).ahead.take();
        drop(unread);
    }
}

impl<B: Body> Drop for Copied<B> {
    fn drop(&mut self) {
        let state = self.shared.state.lock();
        let unread = state
            .unwrap_or_else(PoisonError::into_inner)
            .copies
            .queue
            .take();
        drop(unread);
        self.case.body_is_read();
    }
}

/// Shows no bytes.
impl<B: Body> fmt::Debug for ObservedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedBody").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Wakers {
    inner: Slot,
    guard: Slot,
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inner.wake();
        self.guard.wake();
    }
}

#[derive(Default)]
struct Slot(Mutex<Option<Waker>>);

impl Slot {
    fn set(&self, waker: &Waker) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Some(held) => held.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
