use std::fmt;

use bytes::{Bytes, BytesMut};

use super::judged::{Judged, States};
use super::verified::{Verified, VerifiedBytes};
use crate::rejection::Rejection;

/// A verification that waits for the body.
///
/// Made by [`Verifier::begin`](super::Verifier::begin). Takes the body as it
/// arrives and keeps it: a body that comes in one piece is not copied, one that
/// comes in several is hashed on the way.
pub struct Check<'a> {
    judged: Judged<'a>,
    body: Collected,
}

enum Collected {
    Nothing,
    One(Bytes),
    /// With the MACs of what came so far, where it is hashed on the way.
    Many(BytesMut, Option<Box<States>>),
}

impl<'a> Check<'a> {
    pub(super) fn new(judged: Judged<'a>) -> Self {
        Self {
            judged,
            body: Collected::Nothing,
        }
    }

    /// Takes the next piece of the body.
    pub fn update(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        match &mut self.body {
            Collected::Nothing => self.body = Collected::One(chunk),
            Collected::One(first) => {
                let mut states = self
                    .judged
                    .streams()
                    .then(|| Box::new(self.judged.states()));
                if let Some(states) = &mut states {
                    states.update(first);
                    states.update(&chunk);
                }
                let both = first.len().saturating_add(chunk.len());
                let mut all = BytesMut::with_capacity(both.next_power_of_two());
                all.extend_from_slice(first);
                all.extend_from_slice(&chunk);
                self.body = Collected::Many(all, states);
            }
            Collected::Many(all, states) => {
                if let Some(states) = states {
                    states.update(&chunk);
                }
                all.extend_from_slice(&chunk);
            }
        }
    }

    /// How many bytes have been taken.
    #[must_use]
    pub fn received(&self) -> usize {
        match &self.body {
            Collected::Nothing => 0,
            Collected::One(bytes) => bytes.len(),
            Collected::Many(bytes, _) => bytes.len(),
        }
    }

    /// Decides, once the whole body has been taken.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the request is not genuine or not fresh.
    pub fn finish(self) -> Result<Verified<'a>, Rejection> {
        match self.body {
            Collected::Many(bytes, Some(states)) => {
                let matching = self.judged.matching_states(*states);
                let body = VerifiedBytes::Owned(bytes.freeze());
                self.judged.conclude(matching, body)
            }
            body => self.judged.verify(VerifiedBytes::Owned(body.into_bytes())),
        }
    }

    /// The body, where the verdict is left to somebody else.
    pub(crate) fn into_body(self) -> Bytes {
        self.body.into_bytes()
    }
}

impl Collected {
    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes, _) => bytes.freeze(),
        }
    }
}

impl fmt::Debug for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("scheme", &self.judged.inner.compiled.scheme.name())
            .field("received", &self.received())
            .finish_non_exhaustive()
    }
}
