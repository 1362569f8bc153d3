//! Where a key belongs.

use std::hash::BuildHasher;

use crate::primitives::RandomState;
use crate::store::DedupKey;

/// Hashes keys, differently in every store.
///
/// Keys are digests, and need no more than a secret: whoever may choose event
/// ids could otherwise look for digests that meet in one bucket. (SipHash, the
/// standard library's, took a fifth of a claim's time.)
#[derive(Clone, Copy)]
pub(in crate::store) struct KeyHasher(u64, u64);

impl KeyHasher {
    pub(in crate::store) fn new() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(0), random.hash_one(1))
    }

    pub(in crate::store) fn hash(self, key: &DedupKey) -> u64 {
        let (halves, _) = key.as_bytes().as_chunks();
        let folded = halves
            .iter()
            .fold(0, |folded, half| folded ^ u128::from_ne_bytes(*half));
        let a = (folded as u64) ^ self.0;
        let b = ((folded >> 64) as u64) ^ self.1;
        let product = u128::from(a) * u128::from(b);
        (product as u64) ^ ((product >> 64) as u64)
    }
}
