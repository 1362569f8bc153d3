//! What the server keeps of an event.
//!
//! One string for each, whose length tells its state:
//!
//! | state | bytes | content |
//! |---|---|---|
//! | in flight | 37 | `i`, attempt (4), fingerprint (8), owner (16), by how many milliseconds the row outlives its lease (8) |
//! | released | 13 | `r`, attempt (4), fingerprint (8) |
//! | done | 12 | fingerprint (8), status (10 bits), attempt (10 bits), a tag of the owner (12 bits) |
//!
//! Numbers are big-endian. A lease is no time but a distance from the row's
//! end, which the server knows: no script has to ask for the time. With up to
//! 44 bytes, Redis keeps a value in one piece with its header, and with 12 they
//! take 32 bytes together.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::{Claim, Completion, DedupKey, Owner};

/// 2^52 ms are 142 000 years: sums of a few stay exact in the server's doubles.
const LONGEST: u64 = 1 << 52;

/// What a key takes beside its prefix.
const KEY_LENGTH: usize = 22;

/// The key of an event: the prefix, and the first half of the digest. Nobody
/// can find another event for 128 given bits.
pub(super) fn key(prefix: &str, key: &DedupKey) -> Vec<u8> {
    let (half, _) = key.as_bytes().split_at(16);
    let mut text = String::with_capacity(prefix.len() + KEY_LENGTH);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(half, &mut text);
    text.into_bytes()
}

/// A row's life and its lease, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) millis: u64,
    rest: u64,
}

impl Life {
    /// A row outlives its lease, or an event in flight would read as absent.
    pub(super) fn of(lease: Duration, ttl: Duration) -> Self {
        let lease = millis(lease);
        let millis = millis(ttl).max(lease).max(1);
        Self {
            millis,
            rest: millis - lease,
        }
    }

    /// By how much the row outlives its lease.
    pub(super) const fn rest(self) -> [u8; 8] {
        self.rest.to_be_bytes()
    }
}

/// How long an event that is done is remembered: at least a millisecond, which
/// is the least that Redis takes.
pub(crate) fn life(ttl: Duration) -> u64 {
    millis(ttl).max(1)
}

/// Rounded up: a lease never ends before its owner thinks so.
fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(LONGEST).min(LONGEST)
}

/// A row in flight for the first time.
pub(super) fn in_flight(claim: &Claim, life: Life) -> [u8; 37] {
    let fingerprint = claim.fingerprint.as_u64().to_be_bytes();
    joined([
        b"i\0\0\0\x01",
        &fingerprint,
        &owner(claim.owner),
        &life.rest(),
    ])
}

pub(super) const fn owner(owner: Owner) -> [u8; 16] {
    owner.as_u128().to_be_bytes()
}

/// A row that is done with the first attempt.
///
/// The tag tells an owner that repeats itself from another one, in all but one
/// of 4096 cases. It decides nothing but which of two words a repeated
/// completion is answered with, where nothing changes any more.
pub(super) fn done(completion: Completion, owner: Owner) -> [u8; 12] {
    // The golden ratio's digits: owners are counted, and neighbours must differ.
    let owner = owner.as_u128();
    let mixed = (owner as u64 ^ (owner >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let tag = (mixed >> 52) as u32;
    let last = u32::from(completion.status.min(1023)) << 22 | 1 << 12 | tag;
    joined([
        &completion.fingerprint.as_u64().to_be_bytes(),
        &last.to_be_bytes(),
    ])
}

fn joined<const PARTS: usize, const SIZE: usize>(parts: [&[u8]; PARTS]) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let parts = parts.into_iter().flatten();
    for (to, from) in bytes.iter_mut().zip(parts) {
        *to = *from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Fingerprint;

    #[test]
    fn the_key_is_the_prefix_and_half_the_digest() {
        let bytes = std::array::from_fn(|at| at as u8);
        let key = key("twh:", &DedupKey::from_bytes(bytes));
        assert_eq!(key, b"twh:AAECAwQFBgcICQoLDA0ODw");
        assert_eq!(key.len(), "twh:".len() + KEY_LENGTH);
    }

    #[test]
    fn no_duration_overflows_and_none_is_rounded_down() {
        let ms = Duration::from_millis;
        let life = Life::of(ms(30), ms(100));
        assert_eq!((life.millis, life.rest), (100, 70));
        let life = Life::of(Duration::from_nanos(1), Duration::ZERO);
        assert_eq!((life.millis, life.rest), (1, 0));
        let life = Life::of(Duration::ZERO, Duration::ZERO);
        assert_eq!((life.millis, life.rest), (1, 1));
        let life = Life::of(Duration::MAX, Duration::ZERO);
        assert_eq!((life.millis, life.rest), (LONGEST, 0));
        let life = Life::of(ms(1), Duration::MAX);
        assert_eq!((life.millis, life.rest), (LONGEST, LONGEST - 1));
    }

    #[test]
    fn the_tags_of_neighbours_differ_and_leave_the_status_alone() {
        let last = |status, number| {
            let completion = Completion::new(Fingerprint::NONE, status, Duration::ZERO);
            let row = done(completion, Owner::from_u128(number));
            u32::from_be_bytes(row[8..].try_into().unwrap())
        };
        let tag = |number| last(0, number) % 4096;
        for number in 0..1000 {
            assert_ne!(tag(number), tag(number + 1));
        }
        assert_eq!(last(204, 7) >> 12, 204 << 10 | 1);
        assert_eq!(last(u16::MAX, 7) >> 12, 1023 << 10 | 1);
    }
}
