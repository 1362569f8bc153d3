//! A body that arrives as the fuzzer likes, and somebody to wait for it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    // Who waits for what never comes, waits for no time.
    let builder = builder.enable_time().start_paused(true);
    builder.build().expect("a runtime")
});

/// Waits for the future. Time passes only while nothing else can happen.
pub fn block_on<T>(future: impl Future<Output = Result<T, Infallible>>) -> T {
    let Ok(output) = RUNTIME.block_on(future);
    output
}

/// Yields its bytes in pieces of the given lengths, and what is left at
/// the end.
#[derive(Clone)]
pub struct Chunked {
    rest: Bytes,
    steps: Vec<u8>,
    position: usize,
    announced: Announced,
    failed: bool,
    stalled: bool,
    /// Whether a step may be to wait for ever.
    may_stall: bool,
}

/// What a body says of its length.
#[derive(Clone, Copy, Debug)]
pub enum Announced {
    Nothing,
    Truth,
    /// Whatever the length is: at least, and at most.
    Lie(u64, Option<u64>),
}

impl Announced {
    /// One of them.
    pub fn read(byte: u8) -> Self {
        let number = u64::from(byte >> 2) * 8;
        match byte & 3 {
            0 => Self::Nothing,
            1 => Self::Truth,
            2 => Self::Lie(number, None),
            _ => Self::Lie(number / 2, Some(number)),
        }
    }
}

/// How a body arrives where no more than so many bytes are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrival {
    Whole,
    TooLarge,
    Broken,
    Stalled,
}

impl Arrival {
    pub fn of(body: &Chunked, max: usize) -> Self {
        let mut body = body.clone();
        let all = body.rest.len();
        while body.step().is_some() {
            if all - body.rest.len() > max {
                return Self::TooLarge;
            }
            if body.stalled {
                return Self::Stalled;
            }
        }
        if body.failed {
            Self::Broken
        } else {
            Self::Whole
        }
    }
}

impl Chunked {
    pub const WAIT: u8 = 255;
    pub const FAIL: u8 = 254;
    pub const TRAILERS: u8 = 253;
    pub const STALL: u8 = 252;

    pub fn new(bytes: Bytes, steps: &[u8], announced: bool) -> Self {
        let announced = match announced {
            true => Announced::Truth,
            false => Announced::Nothing,
        };
        let may_stall = false;
        Self {
            may_stall,
            ..Self::lying(bytes, steps, announced)
        }
    }

    /// One that may stall, and need not be as long as it says.
    pub fn lying(bytes: Bytes, steps: &[u8], announced: Announced) -> Self {
        Self {
            rest: bytes,
            steps: steps.to_vec(),
            position: 0,
            announced,
            failed: false,
            stalled: false,
            may_stall: true,
        }
    }

    /// Whether it says that it is too long before anything of it is read.
    pub fn announces_more_than(&self, max: usize) -> bool {
        self.size_hint().lower() > max as u64
    }

    /// Whether the body breaks off before its end.
    pub fn fails(&self) -> bool {
        let mut body = self.clone();
        while body.step().is_some() {}
        body.failed
    }

    /// The next frame, an error, or nothing yet.
    fn step(&mut self) -> Option<Option<Result<Frame<Bytes>, &'static str>>> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        let step = self.steps.get(self.position).copied();
        if self.may_stall && step == Some(Self::STALL) {
            self.stalled = true;
            return Some(None);
        }
        self.position += 1;
        Some(match step {
            Some(Self::WAIT) => None,
            Some(Self::FAIL) => {
                self.failed = true;
                Some(Err("the connection broke"))
            }
            Some(Self::TRAILERS) => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Some(length) => {
                let length = usize::from(length).min(self.rest.len());
                Some(Ok(Frame::data(self.rest.split_to(length))))
            }
            None => Some(Ok(Frame::data(std::mem::take(&mut self.rest)))),
        })
    }
}

impl Body for Chunked {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.step() {
            None => Poll::Ready(None),
            Some(Some(frame)) => Poll::Ready(Some(frame)),
            Some(None) => {
                if !self.stalled {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::default();
        match self.announced {
            Announced::Nothing => {}
            Announced::Truth => hint.set_exact(self.rest.len() as u64),
            Announced::Lie(least, most) => {
                hint.set_lower(least);
                most.into_iter().for_each(|most| hint.set_upper(most));
            }
        }
        hint
    }
}
