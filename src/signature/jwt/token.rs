//! The compact serialisation of RFC 7515 section 7.1.
//!
//! Read here and not by a crate because a signature proves the text, while the
//! verdict is over what was read from it: both must be the only reading there
//! is. `jsonwebtoken` 11 takes the last of two equal keys, and does not look at
//! `crit`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::signature::object::object;

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// A token that can be read. Nothing about it is proved.
pub(super) struct Token<'t> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// What is signed: `header.payload` as it was sent.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Exactly three parts in base64url without padding, the first two of them
    /// JSON objects without repeated keys.
    pub(super) fn read(text: &'t [u8]) -> Option<Self> {
        if text.len() > MAX_TOKEN {
            return None;
        }
        let mut parts = text.split(|byte| *byte == b'.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(())?;
        let signed = text.get(..header.len() + 1 + claims.len())?;
        let decoded = |part: &[u8]| URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            header: object(&decoded(header)?)?,
            claims: object(&decoded(claims)?)?,
            signed,
            signature: decoded(signature).filter(|signature| !signature.is_empty())?,
        })
    }
}
