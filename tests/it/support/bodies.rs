//! Bodies that do not arrive as they should.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::Calls;

/// The same frame again and again, always there, without end.
#[derive(Debug)]
pub struct Endless {
    pub frame: Bytes,
    /// How many frames were taken.
    pub taken: Calls,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.taken.add();
        Poll::Ready(Some(Ok(Frame::data(self.frame.clone()))))
    }
}

/// Claims a length, and counts whether anybody asks for its bytes. None come.
#[derive(Debug)]
pub struct Announced {
    pub length: u64,
    pub asked: Calls,
}

impl Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.asked.add();
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// One byte at a time, `every` so often.
pub struct Dripping {
    bytes: Bytes,
    every: Duration,
    next: Pin<Box<Sleep>>,
}

impl Dripping {
    pub fn new(bytes: impl Into<Bytes>, every: Duration) -> Self {
        Self {
            bytes: bytes.into(),
            every,
            next: Box::pin(tokio::time::sleep(every)),
        }
    }
}

impl Body for Dripping {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        std::task::ready!(self.next.as_mut().poll(cx));
        let again = tokio::time::Instant::now() + self.every;
        self.next.as_mut().reset(again);
        Poll::Ready(Some(Ok(Frame::data(self.bytes.split_to(1)))))
    }
}

/// What a [`Scripted`] body does next.
#[derive(Debug)]
pub enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    /// The connection breaks.
    Break,
    /// Nothing comes any more.
    Stall,
}

/// Does what it is told, and then ends.
#[derive(Debug)]
pub struct Scripted(VecDeque<Step>);

impl Scripted {
    pub fn new(steps: impl Into<VecDeque<Step>>) -> Self {
        Self(steps.into())
    }

    /// `bytes`, and then nothing, for ever.
    pub fn stalled(bytes: impl Into<Bytes>) -> Self {
        Self::new([Step::Data(bytes.into()), Step::Stall])
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(Step::Stall) = self.0.front() {
            return Poll::Pending;
        }
        Poll::Ready(match self.0.pop_front() {
            Some(Step::Data(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Step::Break) => Some(Err(io::ErrorKind::ConnectionReset.into())),
            Some(Step::Stall) | None => None,
        })
    }
}
