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
    builder.enable_time().build().expect("a runtime")
});

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
    announced: bool,
    failed: bool,
}

impl Chunked {
    pub const WAIT: u8 = 255;
    pub const FAIL: u8 = 254;
    pub const TRAILERS: u8 = 253;

    pub fn new(bytes: Bytes, steps: &[u8], announced: bool) -> Self {
        Self {
            rest: bytes,
            steps: steps.to_vec(),
            position: 0,
            announced,
            failed: false,
        }
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
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        if self.announced {
            SizeHint::with_exact(self.rest.len() as u64)
        } else {
            SizeHint::default()
        }
    }
}
