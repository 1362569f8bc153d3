//! Not part of the public interface: what the fuzz targets call. May change
//! in any release.

use crate::Timestamp;
use crate::signature::{Grammar, TimestampFormat};

/// The signatures that a grammar finds.
#[must_use]
pub fn signatures(grammar: &Grammar, value: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    grammar.signatures(value, |signature| found.push(signature.to_vec()));
    found
}

/// The timestamp that a format reads.
#[must_use]
pub fn timestamp(format: TimestampFormat, text: &[u8]) -> Option<Timestamp> {
    format.parse(text)
}

/// What is read from a body at a JSON pointer; `None` if it cannot be used.
#[must_use]
pub fn json_value(body: &[u8], pointer: &str) -> Option<Option<String>> {
    crate::signature::json_value(body, pointer).ok()
}
