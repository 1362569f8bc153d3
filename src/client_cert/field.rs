//! The two shapes of RFC 9440: a byte sequence, and a list of them (RFC 9651
//! section 3.3.5 and 3.1), without parameters.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Of one field, or all lines of a list together. Certificates take a few KiB
/// each; servers refuse headers that are much larger.
const MAX_BYTES: usize = 64 * 1024;
const MAX_ITEMS: usize = 10;

/// `:base64:`, padded, and nothing around it but white space.
pub(super) fn byte_sequence(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() > MAX_BYTES {
        return None;
    }
    let encoded = value.trim_ascii().strip_prefix(b":")?.strip_suffix(b":")?;
    BASE64_STANDARD.decode(encoded).ok()
}

/// Byte sequences separated by commas, over several lines.
pub(super) fn byte_sequences<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut size = 0;
    for line in lines {
        size += line.len();
        if size > MAX_BYTES {
            return None;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        for item in line.split(|byte| *byte == b',') {
            if found.len() == MAX_ITEMS {
                return None;
            }
            found.push(byte_sequence(item)?);
        }
    }
    Some(found)
}
