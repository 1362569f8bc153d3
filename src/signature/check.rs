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
    announced: usize,
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
            announced: 0,
        }
    }

    /// How long the whole body is said to be, in bytes: with it, a body in
    /// several pieces is copied about once.
    pub(crate) fn announce(&mut self, length: u64) {
        self.announced = usize::try_from(length).unwrap_or(usize::MAX);
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
                let mut all = BytesMut::with_capacity(room(both, self.announced));
                all.extend_from_slice(first);
                all.extend_from_slice(&chunk);
                self.body = Collected::Many(all, states);
            }
            Collected::Many(all, states) => {
                if let Some(states) = states {
                    states.update(&chunk);
                }
                let length = all.len().saturating_add(chunk.len());
                if length > all.capacity() {
                    all.reserve(room(length, self.announced) - all.len());
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

/// For how many bytes to make room when `length` are there. To announce more
/// costs nothing, so that is believed no further than eight times of those.
fn room(length: usize, announced: usize) -> usize {
    let believed = announced.min(length.saturating_mul(8));
    length
        .checked_next_power_of_two()
        .unwrap_or(length)
        .max(believed)
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

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{Timestamp, Verifier, provider};

    /// Takes pieces of 16 KiB, and returns for how many bytes there was room after each.
    fn rooms(announced: u64, pieces: usize) -> Vec<usize> {
        let verifier = Verifier::new(provider::github(), "a secret of the test").unwrap();
        let request = Request::post("/").header(
            "x-hub-signature-256",
            "sha256=".to_owned() + &"0".repeat(64),
        );
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut check = verifier
            .begin(&parts, Timestamp::from_unix_millis(0))
            .unwrap();
        check.announce(announced);
        let mut rooms = Vec::new();
        for _ in 0..pieces {
            check.update(Bytes::from_static(&[0; 16 << 10]));
            rooms.push(match &check.body {
                Collected::Many(all, _) => all.capacity(),
                _ => check.received(),
            });
        }
        rooms
    }

    #[test]
    fn a_body_of_announced_length_is_moved_once_and_fits() {
        let expected = (1..=64).map(|pieces| match pieces {
            1 => 16 << 10,
            2..=16 => 256 << 10,
            _ => 1 << 20,
        });
        assert_eq!(rooms(1 << 20, 64), expected.collect::<Vec<_>>());
    }

    #[test]
    fn f1_f3_room_is_made_for_what_came_whatever_is_announced() {
        for (pieces, room) in rooms(u64::MAX, 100).into_iter().enumerate() {
            let received = (pieces + 1) * (16 << 10);
            assert!(room <= received * 8, "{room} for {received}");
        }
        let mut rooms = rooms(0, 64);
        rooms.dedup();
        assert_eq!(rooms.len(), 7, "{rooms:?}");
    }
}
