//! The body of a verified request.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::delivery::Delivery;

/// The whole body of a request that was verified: the proof that it was.
///
/// Nothing outside this crate can make one, so a service that takes
/// `Request<VerifiedBody>` cannot be called with a request that did not pass
/// [`VerifyLayer`](crate::verify::VerifyLayer). It is a [`Body`] of one frame
/// and without trailers, so that frameworks take it as any other.
///
/// ```compile_fail,E0451
/// let forged = tower_webhook::VerifiedBody { delivery: todo!(), sent: false };
/// ```
#[derive(Clone, Debug)]
pub struct VerifiedBody {
    delivery: Delivery,
    sent: bool,
}

impl VerifiedBody {
    pub(crate) fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            sent: false,
        }
    }

    /// Takes a request for verified, so that a handler can be tested without
    /// signing (feature `testing`).
    ///
    /// # Errors
    ///
    /// If `scheme` contradicts itself.
    #[cfg(any(test, feature = "testing"))]
    pub fn assume_verified(
        scheme: crate::signature::Scheme,
        request: http::Request<Bytes>,
    ) -> Result<http::Request<Self>, crate::ConfigError> {
        let (mut parts, body) = request.into_parts();
        let verifier = crate::Verifier::new(scheme, crate::Secret::from_bytes(*b"assumed"))?;
        let delivery = Delivery::from(verifier.assume_verified(&parts, body));
        parts.extensions.insert(delivery.clone());
        Ok(http::Request::from_parts(parts, Self::new(delivery)))
    }

    /// What was verified.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The body, exactly as it was sent.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.delivery.body()
    }

    /// The body, exactly as it was sent.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.delivery.body().clone()
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        self.sent = true;
        Poll::Ready(Some(Ok(Frame::data(self.bytes().clone()))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent || self.bytes().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() {
            SizeHint::with_exact(0)
        } else {
            SizeHint::with_exact(self.bytes().len() as u64)
        }
    }
}
