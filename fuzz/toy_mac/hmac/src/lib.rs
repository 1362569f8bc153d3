//! In the place of the crate `hmac`: a MAC of eight bits, so that a fuzzer that
//! guesses gets past it. Nothing in `tower-webhook` knows of this.

use std::marker::PhantomData;

pub use digest::{self, KeyInit, Mac};

use digest::block_api::BlockSizeUser;
use digest::common::{InvalidLength, Key, KeySizeUser};
use digest::{Digest, FixedOutput, MacMarker, Output, OutputSizeUser, Update};

/// One byte that depends on every byte of key and message and on their order,
/// and zeros up to the length of the hash.
pub struct Hmac<D> {
    state: u8,
    hash: PhantomData<D>,
}

impl<D> Clone for Hmac<D> {
    fn clone(&self) -> Self {
        Self {
            state: self.state,
            hash: PhantomData,
        }
    }
}

impl<D: BlockSizeUser> KeySizeUser for Hmac<D> {
    type KeySize = D::BlockSize;
}

impl<D> MacMarker for Hmac<D> {}

impl<D: BlockSizeUser> KeyInit for Hmac<D> {
    fn new(key: &Key<Self>) -> Self {
        let mut mac = Self {
            state: 0x5a,
            hash: PhantomData,
        };
        mac.update(key);
        mac
    }

    fn new_from_slice(key: &[u8]) -> Result<Self, InvalidLength> {
        let mut mac = Self::new(&Key::<Self>::default());
        mac.update(key);
        Ok(mac)
    }
}

impl<D> Update for Hmac<D> {
    fn update(&mut self, data: &[u8]) {
        for byte in data {
            self.state = self.state.wrapping_mul(31).wrapping_add(*byte) ^ 0x39;
        }
    }
}

impl<D: OutputSizeUser> OutputSizeUser for Hmac<D> {
    type OutputSize = D::OutputSize;
}

impl<D: OutputSizeUser> FixedOutput for Hmac<D> {
    fn finalize_into(self, out: &mut Output<Self>) {
        out.fill(0);
        out[0] = self.state;
    }
}

/// The genuine one (RFC 2104): ECDSA draws its nonces with it (RFC 6979), and
/// would never end with a toy.
#[derive(Clone)]
pub struct SimpleHmac<D> {
    inner: D,
    outer: D,
}

impl<D: BlockSizeUser> KeySizeUser for SimpleHmac<D> {
    type KeySize = D::BlockSize;
}

impl<D> MacMarker for SimpleHmac<D> {}

impl<D: Digest + BlockSizeUser> KeyInit for SimpleHmac<D> {
    fn new(key: &Key<Self>) -> Self {
        let padded = |pad: u8| {
            let block: Vec<u8> = key.iter().map(|byte| byte ^ pad).collect();
            D::new_with_prefix(block)
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }

    fn new_from_slice(key: &[u8]) -> Result<Self, InvalidLength> {
        let mut block = Key::<Self>::default();
        if key.len() <= block.len() {
            block[..key.len()].copy_from_slice(key);
        } else {
            let digest = D::digest(key);
            block[..digest.len()].copy_from_slice(&digest);
        }
        Ok(Self::new(&block))
    }
}

impl<D: Digest> Update for SimpleHmac<D> {
    fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }
}

impl<D: OutputSizeUser> OutputSizeUser for SimpleHmac<D> {
    type OutputSize = D::OutputSize;
}

impl<D: Digest> FixedOutput for SimpleHmac<D> {
    fn finalize_into(self, out: &mut Output<Self>) {
        let digest = self.outer.chain_update(self.inner.finalize()).finalize();
        out.copy_from_slice(&digest);
    }
}
