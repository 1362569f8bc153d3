//! Requests as text: `name: value` lines, an empty line, the body.

use http::{HeaderMap, HeaderName, HeaderValue};

/// What stands for a genuine value in a line, so that the fuzzer gets past the
/// MAC and works on what is around it.
pub const SIGNATURE: u8 = 1;
pub const TIMESTAMP: u8 = 2;
pub const EVENT_ID: u8 = 3;

pub struct Text<'a> {
    pub lines: Vec<(&'a [u8], &'a [u8])>,
    pub body: &'a [u8],
}

impl<'a> Text<'a> {
    pub fn split(mut rest: &'a [u8]) -> Self {
        let mut lines = Vec::new();
        loop {
            let (line, behind) = split_once(rest, b'\n').unwrap_or((rest, b""));
            rest = behind;
            if line.is_empty() {
                return Self { lines, body: rest };
            }
            let (name, value) = split_once(line, b':').unwrap_or((line, b""));
            lines.push((name, value.strip_prefix(b" ").unwrap_or(value)));
        }
    }

    /// The query, from the line called `?`, and the headers; what cannot stand
    /// in a header is left out.
    pub fn request(&self, genuine: &Genuine) -> (Vec<u8>, HeaderMap) {
        let mut query = Vec::new();
        let mut headers = HeaderMap::new();
        for (name, value) in &self.lines {
            let value = genuine.fill(value);
            if *name == b"?" {
                query = value;
            } else if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name),
                HeaderValue::from_bytes(&value),
            ) {
                headers.append(name, value);
            }
        }
        (query, headers)
    }
}

/// The values of a genuine request.
pub struct Genuine {
    pub signature: String,
    pub timestamp: String,
    pub event_id: String,
}

impl Genuine {
    fn fill(&self, value: &[u8]) -> Vec<u8> {
        let mut filled = Vec::new();
        for byte in value {
            match *byte {
                SIGNATURE => filled.extend_from_slice(self.signature.as_bytes()),
                TIMESTAMP => filled.extend_from_slice(self.timestamp.as_bytes()),
                EVENT_ID => filled.extend_from_slice(self.event_id.as_bytes()),
                other => filled.push(other),
            }
        }
        filled
    }
}

pub fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|byte| *byte == at)?;
    Some((&text[..position], &text[position + 1..]))
}
