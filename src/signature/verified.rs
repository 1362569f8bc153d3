use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::request::Parts;

use super::event::{EventHeaders, EventId, EventIdError, event_id, event_type};
use super::mac::Tag;
#[cfg(any(test, feature = "testing"))]
use super::mac::token_tag;
use super::verifier::Inner;
use crate::Timestamp;

/// A request that has proved to be genuine and fresh.
pub struct Verified<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    pub(crate) parts: &'a Parts,
    pub(crate) family: usize,
    pub(crate) key: u32,
    pub(crate) tag: Tag,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) body: VerifiedBytes<'a>,
}

#[cfg(any(test, feature = "testing"))]
impl super::Verifier {
    /// For tests of what comes behind verification.
    pub(crate) fn assume_verified<'a>(&'a self, parts: &'a Parts, body: Bytes) -> Verified<'a> {
        Verified {
            inner: self.inner(),
            parts,
            family: self.inner().compiled.family(parts),
            key: 0,
            tag: token_tag(&body),
            timestamp: None,
            body: VerifiedBytes::Owned(body),
        }
    }
}

/// A body, borrowed from the caller or collected on the way.
pub(crate) enum VerifiedBytes<'a> {
    Borrowed(&'a [u8]),
    Owned(Bytes),
}

impl VerifiedBytes<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl<'a> From<&'a [u8]> for VerifiedBytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Borrowed(bytes)
    }
}

impl Verified<'_> {
    /// The name of the scheme.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.inner.compiled.scheme.name()
    }

    /// The body, exactly as it was sent.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_slice()
    }

    /// The event id, if the request has one.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be used: empty, longer than 255 bytes, with
    /// control characters, or ambiguous because it is repeated.
    pub fn event_id(&self) -> Result<Option<EventId>, EventIdError> {
        event_id(&self.inner.compiled, &self.headers().id, self.body())
    }

    /// The event type, if the request has one. One that comes in a header is
    /// not signed.
    #[must_use]
    pub fn event_type(&self) -> Option<String> {
        event_type(
            &self.inner.compiled.scheme,
            self.headers().event_type,
            self.body(),
        )
    }

    /// The sender's timestamp, where the scheme signs one.
    #[must_use]
    pub const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// The label of the secret that matched, if it has one.
    #[must_use]
    pub fn key_label(&self) -> Option<&str> {
        self.inner.label(self.key)
    }

    pub(crate) fn headers(&self) -> EventHeaders<&HeaderValue> {
        self.inner
            .compiled
            .event_headers(&self.parts.headers, self.family)
    }
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("provider", &self.provider())
            .field("timestamp", &self.timestamp)
            .field("key_label", &self.key_label())
            .finish_non_exhaustive()
    }
}
