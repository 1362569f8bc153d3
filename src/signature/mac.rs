use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

/// The longest tag: SHA-512's.
const MAX_TAG: usize = 64;

/// The hash function of an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-1, for providers that still use it. Its collisions do not break the
    /// HMAC.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hash {
    pub(crate) const fn tag_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A tag with room for the longest; how much of it counts is known from the
/// scheme.
pub(crate) type Tag = [u8; MAX_TAG];

/// A key that is set up: the state after the inner and outer pads, cloned for
/// each message. The states zeroize themselves.
#[derive(Clone)]
pub(crate) enum MacState {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
    /// A token: nothing is hashed, and this is the tag it must equal.
    Fixed(TokenTag),
}

/// The SHA-256 of a token. Comparing digests takes the same time whatever the
/// length and the content of the token that was sent.
#[derive(Clone)]
pub(crate) struct TokenTag([u8; 32]);

impl Drop for TokenTag {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl MacState {
    /// Sets up `key`, which may have any length but zero.
    pub(crate) fn hmac(hash: Hash, key: &[u8]) -> Option<Self> {
        match hash {
            Hash::Sha1 => Hmac::new_from_slice(key).map(Self::Sha1).ok(),
            Hash::Sha256 => Hmac::new_from_slice(key).map(Self::Sha256).ok(),
            Hash::Sha512 => Hmac::new_from_slice(key).map(Self::Sha512).ok(),
        }
    }

    pub(crate) fn token(token: &[u8]) -> Self {
        Self::Fixed(TokenTag(Sha256::digest(token).into()))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(bytes),
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
            Self::Fixed(_) => {}
        }
    }

    pub(crate) fn finish(self) -> Tag {
        let mut tag = [0; MAX_TAG];
        match self {
            Self::Sha1(mac) => fill(&mut tag, &mac.finalize().into_bytes()),
            Self::Sha256(mac) => fill(&mut tag, &mac.finalize().into_bytes()),
            Self::Sha512(mac) => fill(&mut tag, &mac.finalize().into_bytes()),
            Self::Fixed(token) => fill(&mut tag, &token.0),
        }
        tag
    }
}

/// The tag of a token that was sent.
pub(crate) fn token_tag(token: &[u8]) -> Tag {
    let mut tag = [0; MAX_TAG];
    fill(&mut tag, &Sha256::digest(token));
    tag
}

/// The length of a token's tag.
pub(crate) const TOKEN_TAG_LEN: usize = 32;

fn fill(tag: &mut Tag, bytes: &[u8]) {
    for (to, from) in tag.iter_mut().zip(bytes) {
        *to = *from;
    }
}

/// The decision over all keys and candidates: which key matched, and its tag.
///
/// Every tag is compared with every candidate and the results are folded, so
/// that the time tells neither whether nor which one matched.
pub(crate) struct Matching {
    found: Choice,
    key: u32,
    tag: Tag,
}

impl Matching {
    pub(crate) fn new() -> Self {
        Self {
            found: Choice::from(0),
            key: 0,
            tag: [0; MAX_TAG],
        }
    }

    /// Compares the tag of key number `key` with all `candidates`. Tags are
    /// zero behind their length, and candidates too, so whole arrays compare.
    pub(crate) fn compare<'c>(
        &mut self,
        key: u32,
        tag: &Tag,
        candidates: impl Iterator<Item = &'c Tag>,
    ) {
        let mut equal = Choice::from(0);
        for candidate in candidates {
            equal |= tag.ct_eq(candidate);
        }
        let first = equal & !self.found;
        self.key.conditional_assign(&key, first);
        for (to, from) in self.tag.iter_mut().zip(tag) {
            to.conditional_assign(from, first);
        }
        self.found |= equal;
    }

    /// The number of the first key that matched and its tag.
    pub(crate) fn decide(self) -> Option<(u32, Tag)> {
        bool::from(self.found).then_some((self.key, self.tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_gives_a_tag_of_its_length() {
        for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
            let mut mac = MacState::hmac(hash, b"key").expect("any key length works");
            mac.update(b"message");
            let tag = mac.finish();
            assert!(tag[..hash.tag_len()].iter().any(|byte| *byte != 0));
            assert!(tag[hash.tag_len()..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn the_first_matching_key_is_named() {
        let (a, b) = (token_tag(b"a"), token_tag(b"b"));
        let mut matching = Matching::new();
        matching.compare(0, &a, [&b].into_iter());
        matching.compare(1, &b, [&a, &b].into_iter());
        matching.compare(2, &b, [&b].into_iter());
        assert_eq!(matching.decide().map(|(key, _)| key), Some(1));

        let mut matching = Matching::new();
        matching.compare(0, &a, [&b].into_iter());
        assert!(matching.decide().is_none());
    }
}
