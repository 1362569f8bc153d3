//! The list syntax of `X-Forwarded-For` and `Forwarded` (RFC 7239), read from
//! the right, because only the right end was written by someone we trust.

use super::ClientIpError;

/// Longer than any element that a proxy writes, short enough to bound the
/// work for one that an attacker wrote.
const MAX_ELEMENT_BYTES: usize = 1024;

/// Longer than any address with a port, or scheme.
const MAX_VALUE_BYTES: usize = 64;

/// Longer than any host name with a port.
const MAX_HOST_BYTES: usize = 262;

/// Splits the last element off a comma-separated list. The first half is
/// `None` when there is no comma left.
///
/// With `quoted`, a comma within a quoted string does not separate. Where a
/// well-formed element starts can be told from the right alone: its last
/// unpaired quote closes a string, and the quote that opens it is the next one
/// without a backslash. So nothing that an attacker wrote further left, such
/// as an open quote, can reach into it.
pub(super) fn split_last(
    list: &[u8],
    quoted: bool,
) -> Result<(Option<&[u8]>, &[u8]), ClientIpError> {
    let mut in_quotes = false;
    for (index, byte) in list.iter().enumerate().rev().take(MAX_ELEMENT_BYTES + 1) {
        match byte {
            b'"' if quoted && !(in_quotes && is_escaped(list, index)) => in_quotes = !in_quotes,
            b',' if !in_quotes => {
                let element = list.get(index + 1..).unwrap_or_default();
                return Ok((list.get(..index), trim(element)));
            }
            _ => {}
        }
    }
    if in_quotes || list.len() > MAX_ELEMENT_BYTES {
        return Err(ClientIpError::UnreadableHop);
    }
    Ok((None, trim(list)))
}

/// Whether the byte at `index` has an odd number of backslashes in front.
fn is_escaped(text: &[u8], index: usize) -> bool {
    let before = text.get(..index).unwrap_or_default();
    let backslashes = before
        .iter()
        .rev()
        .take(MAX_ELEMENT_BYTES)
        .take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// Removes optional white space (RFC 9110 section 5.6.3) from both ends.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// One `forwarded-element` of RFC 7239 section 4. The values are without
/// their quotes, but with their backslashes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Element<'a> {
    node: Option<&'a [u8]>,
    proto: Option<&'a [u8]>,
    by: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
}

impl<'a> Element<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, ClientIpError> {
        Self::try_parse(text).ok_or(ClientIpError::UnreadableHop)
    }

    fn try_parse(mut text: &'a [u8]) -> Option<Self> {
        let mut element = Self::default();
        loop {
            text = trim(text);
            if text.is_empty() {
                return Some(element);
            }
            if let Some(rest) = text.strip_prefix(b";") {
                text = rest;
                continue;
            }
            let (name, rest) = split_token(text)?;
            let (value, rest) = split_value(rest.strip_prefix(b"=")?)?;
            text = trim(rest);
            if !text.is_empty() && !text.starts_with(b";") {
                return None;
            }
            // Two parsers could take different ones (RFC 7239 section 4:
            // "MUST NOT occur more than once").
            if let Some(slot) = element.slot(name)
                && slot.replace(value).is_some()
            {
                return None;
            }
        }
    }

    /// The place of a parameter of RFC 7239 section 5; extensions have none.
    fn slot(&mut self, name: &[u8]) -> Option<&mut Option<&'a [u8]>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("for") {
            Some(&mut self.node)
        } else if is("proto") {
            Some(&mut self.proto)
        } else if is("by") {
            Some(&mut self.by)
        } else if is("host") {
            Some(&mut self.host)
        } else {
            None
        }
    }

    /// Hands the value of `for` to `read`.
    pub(super) fn node<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, ClientIpError>,
    ) -> Result<T, ClientIpError> {
        let raw = self.node.ok_or(ClientIpError::HiddenHop)?;
        let mut buffer = [0; MAX_VALUE_BYTES];
        read(unescape(raw, &mut buffer).ok_or(ClientIpError::UnreadableHop)?)
    }

    /// Hands the value of `proto` to `read`.
    pub(super) fn proto<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let mut buffer = [0; MAX_VALUE_BYTES];
        read(unescape(self.proto?, &mut buffer)?)
    }

    /// Hands the value of `host` to `read`.
    pub(super) fn host<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let mut buffer = [0; MAX_HOST_BYTES];
        read(unescape(self.host?, &mut buffer)?)
    }

    pub(super) fn is_https(&self) -> bool {
        let is_https = |proto: &str| proto.eq_ignore_ascii_case("https");
        self.proto(|proto| Some(is_https(proto))).unwrap_or(false)
    }
}

/// Splits a token (RFC 9110 section 5.6.2) off the start.
fn split_token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let end = text.iter().take_while(|byte| is_token(byte)).count();
    text.split_at_checked(end).filter(|_| end > 0)
}

/// Splits a token or a quoted string (RFC 9110 section 5.6.4) off the start.
fn split_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(text) = text.strip_prefix(b"\"") else {
        return split_token(text);
    };
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// Resolves the backslashes of a quoted string.
fn unescape<'b>(raw: &[u8], buffer: &'b mut [u8]) -> Option<&'b str> {
    let mut length = 0;
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        let byte = if *byte == b'\\' { bytes.next()? } else { byte };
        *buffer.get_mut(length)? = *byte;
        length += 1;
    }
    str::from_utf8(buffer.get(..length)?).ok()
}
