//! Not part of the public interface: what the fuzz targets call. May change
//! in any release.

use crate::Timestamp;
use crate::rejection::RejectionKind;
use crate::signature::{Grammar, TimestampFormat, TimestampRule};

/// The signatures that a grammar finds.
#[must_use]
pub fn signatures(grammar: &Grammar, value: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    grammar.signatures(value, |signature| found.push(signature.to_vec()));
    found
}

/// A header value with these signatures and, where the grammar has fields,
/// these fields.
#[cfg(any(test, feature = "testing"))]
#[must_use]
pub fn written(grammar: &Grammar, fields: &[(&str, &str)], signatures: &[String]) -> String {
    grammar.write(fields, signatures)
}

/// The timestamp that a format reads.
#[must_use]
pub fn timestamp(format: TimestampFormat, text: &[u8]) -> Option<Timestamp> {
    format.parse(text)
}

/// What a rule says of a timestamp's text.
///
/// # Errors
///
/// If the text is not a timestamp, or not a fresh one.
pub fn judge(
    rule: &TimestampRule,
    text: &[u8],
    now: Timestamp,
) -> Result<Timestamp, RejectionKind> {
    rule.judge(text, now).map_err(|(kind, _)| kind)
}

/// What is read from a body at a JSON pointer; `None` if it cannot be used.
#[must_use]
pub fn json_value(body: &[u8], pointer: &str) -> Option<Option<String>> {
    crate::signature::json_value(body, pointer).ok()
}
