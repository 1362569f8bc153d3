use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// The words of the longest tag, SHA-512's.
const WORDS: usize = 8;

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

    pub(crate) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// A tag, zero behind its end. Words compare several times faster than bytes.
#[derive(Clone, Copy)]
pub(crate) struct Tag([u64; WORDS]);

impl Tag {
    pub(crate) const ZERO: Self = Self([0; WORDS]);

    /// A tag from its bytes; more than the longest tag has are cut off.
    #[inline]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut tag = Self::ZERO;
        let (whole, rest) = bytes.as_chunks::<8>();
        for (word, chunk) in tag.0.iter_mut().zip(whole) {
            *word = u64::from_ne_bytes(*chunk);
        }
        if let Some(word) = tag.0.get_mut(whole.len()) {
            let mut last = [0; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            *word = u64::from_ne_bytes(last);
        }
        tag
    }

    /// The bytes of the tag, zero behind its end.
    pub(crate) fn to_bytes(self) -> [u8; 8 * WORDS] {
        let mut bytes = [0; 8 * WORDS];
        let (chunks, _) = bytes.as_chunks_mut::<8>();
        for (chunk, word) in chunks.iter_mut().zip(self.0) {
            *chunk = word.to_ne_bytes();
        }
        bytes
    }
}

impl ConstantTimeEq for Tag {
    fn ct_eq(&self, other: &Self) -> Choice {
        let mut difference = 0;
        for (a, b) in self.0.iter().zip(other.0) {
            difference |= a ^ b;
        }
        difference.ct_eq(&0)
    }
}

impl ConditionallySelectable for Tag {
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        let mut selected = *a;
        for (to, from) in selected.0.iter_mut().zip(b.0) {
            to.conditional_assign(&from, choice);
        }
        selected
    }
}

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

    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(bytes),
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
            Self::Fixed(_) => {}
        }
    }

    /// The tag of what was taken so far.
    pub(crate) fn tag(self) -> Tag {
        match self {
            Self::Sha1(mac) => Tag::from_bytes(&mac.finalize().into_bytes()),
            Self::Sha256(mac) => Tag::from_bytes(&mac.finalize().into_bytes()),
            Self::Sha512(mac) => Tag::from_bytes(&mac.finalize().into_bytes()),
            Self::Fixed(token) => Tag::from_bytes(&token.0),
        }
    }

    /// The tag of what `content` hands over. Never moves a state of unknown
    /// kind: that would cost a quarter of the hash of a small body.
    pub(crate) fn tag_of(&self, content: impl Fn(&mut dyn FnMut(&[u8]))) -> Tag {
        fn tag_of<M: Mac + Clone>(key: &M, content: impl Fn(&mut dyn FnMut(&[u8]))) -> Tag {
            let mut mac = key.clone();
            content(&mut |bytes| mac.update(bytes));
            Tag::from_bytes(&mac.finalize().into_bytes())
        }
        match self {
            Self::Sha1(key) => tag_of(key, content),
            Self::Sha256(key) => tag_of(key, content),
            Self::Sha512(key) => tag_of(key, content),
            Self::Fixed(token) => Tag::from_bytes(&token.0),
        }
    }
}

/// The tag of a plain hash over `content` with `secret` at `at` in it.
pub(crate) fn hash_around(hash: Hash, content: &[u8], secret: &[u8], at: usize) -> Option<Tag> {
    let (before, after) = content.split_at_checked(at)?;
    let mut whole = Zeroizing::new(Vec::with_capacity(content.len() + secret.len()));
    whole.extend_from_slice(before);
    whole.extend_from_slice(secret);
    whole.extend_from_slice(after);
    Some(Tag::from_bytes(&hash.digest(&whole)))
}

/// The tag of a token that was sent.
pub(crate) fn token_tag(token: &[u8]) -> Tag {
    Tag::from_bytes(&Sha256::digest(token))
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
            tag: Tag::ZERO,
        }
    }

    /// Compares the tag of key number `key` with all `candidates`.
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
        self.fold(key, tag, equal);
    }

    /// Takes in whether key number `key` matched, with the tag `tag`.
    pub(crate) fn fold(&mut self, key: u32, tag: &Tag, equal: Choice) {
        let first = equal & !self.found;
        self.key.conditional_assign(&key, first);
        self.tag.conditional_assign(tag, first);
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
            let tag = mac.tag().to_bytes();
            assert!(tag[..hash.tag_len()].iter().any(|byte| *byte != 0));
            assert!(tag[hash.tag_len()..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_tag_holds_every_byte() {
        for len in 0..=64 {
            let bytes: Vec<u8> = (1..=len).collect();
            let mut expected = bytes.clone();
            expected.resize(64, 0);
            assert_eq!(Tag::from_bytes(&bytes).to_bytes().to_vec(), expected);
        }
    }

    /// What is compiled of it, `ct/run` judges.
    #[test]
    fn a24_a_match_ends_no_search() {
        let (a, b) = (token_tag(b"a"), token_tag(b"b"));
        for candidates in [[&a, &b, &b], [&b, &b, &a], [&a, &a, &a], [&b, &b, &b]] {
            let mut compared = 0;
            let mut matching = Matching::new();
            let counted = candidates.into_iter().inspect(|_| compared += 1);
            matching.compare(0, &a, counted);
            assert_eq!(compared, 3);
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
