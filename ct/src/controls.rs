//! Comparisons that tell the time, and one that does not: a gate that does not
//! find the former proves nothing.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::hint::black_box;
use subtle::{Choice, ConstantTimeEq};

/// Whether `sent` is the MAC of `message` under one of `keys`.
pub type Compare = fn(keys: &[Vec<u8>], message: &[u8], sent: &[u8; 32]) -> bool;

/// A comparison, and where it must be found out.
pub struct Control {
    pub name: &'static str,
    pub compare: Compare,
    /// Whether memcheck must find it in an optimised build, too.
    pub found_optimised: bool,
    /// Whether the number of its instructions must differ.
    pub counts_differ: bool,
}

pub const LEAKS: [Control; 5] = [
    Control {
        name: "a loop that returns early",
        compare: early_return,
        found_optimised: true,
        counts_differ: true,
    },
    Control {
        name: "the first key that matches",
        compare: first_match,
        found_optimised: true,
        counts_differ: true,
    },
    Control {
        name: "== on slices",
        compare: slices,
        found_optimised: true,
        counts_differ: false,
    },
    Control {
        name: "== on the MAC as hex",
        compare: as_hex,
        found_optimised: true,
        counts_differ: false,
    },
    // The optimiser makes it a comparison without a branch; nobody promises
    // that it always will.
    Control {
        name: "== on arrays",
        compare: arrays,
        found_optimised: false,
        counts_differ: false,
    },
];

#[must_use]
pub fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// What there is to be: every key, no branch.
#[inline(never)]
pub fn folded(keys: &[Vec<u8>], message: &[u8], sent: &[u8; 32]) -> bool {
    let mut found = Choice::from(0);
    for key in keys {
        found |= mac(key, message).ct_eq(sent);
    }
    found.unwrap_u8() == 1
}

#[inline(never)]
fn early_return(keys: &[Vec<u8>], message: &[u8], sent: &[u8; 32]) -> bool {
    let mac = mac(&keys[0], message);
    for (a, b) in mac.iter().zip(sent) {
        if black_box(a) != b {
            return false;
        }
    }
    true
}

#[inline(never)]
fn first_match(keys: &[Vec<u8>], message: &[u8], sent: &[u8; 32]) -> bool {
    for key in keys {
        if bool::from(mac(key, message).ct_eq(sent)) {
            return true;
        }
    }
    false
}

#[inline(never)]
fn slices(keys: &[Vec<u8>], message: &[u8], sent: &[u8; 32]) -> bool {
    let mac = mac(&keys[0], message);
    // Slices whose length the optimiser does not know.
    black_box(&mac[..]) == black_box(&sent[..])
}

#[inline(never)]
fn as_hex(keys: &[Vec<u8>], message: &[u8], sent: &[u8; 32]) -> bool {
    hex::encode(mac(&keys[0], message)) == hex::encode(sent)
}

#[inline(never)]
fn arrays(keys: &[Vec<u8>], message: &[u8], sent: &[u8; 32]) -> bool {
    mac(&keys[0], message) == *sent
}
