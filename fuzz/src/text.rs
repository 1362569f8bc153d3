//! Requests as text: `name: value` lines, an empty line, the body.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

/// What stands for a genuine value in a line or the body, so that the fuzzer
/// gets past the MAC and works on what is around it. As the name of a header,
/// the first three stand for the one that holds the value.
pub const SIGNATURE: u8 = 1;
pub const TIMESTAMP: u8 = 2;
pub const EVENT_ID: u8 = 3;
/// The whole value of the signature's header.
pub const VALUE: u8 = 4;

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

    /// Whether a line holds `byte`.
    pub fn mentions(&self, byte: u8) -> bool {
        self.lines.iter().any(|(_, value)| value.contains(&byte))
    }

    /// A POST with the query from the line called `?` and the headers of the
    /// others; what cannot stand in a header is left out.
    pub fn request(&self, genuine: &Genuine) -> Option<Parts> {
        let mut query = Vec::new();
        let mut headers = HeaderMap::new();
        for (name, value) in &self.lines {
            let value = genuine.fill(value);
            let name = match name {
                [place @ 1..=3] => genuine.names[usize::from(place - 1)].as_bytes(),
                name => name,
            };
            if name == b"?" {
                query = value;
            } else if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name),
                HeaderValue::from_bytes(&value),
            ) {
                headers.append(name, value);
            }
        }
        let uri = format!("/hook?{}", str::from_utf8(&query).ok()?);
        let (mut parts, ()) = Request::post(uri).body(()).ok()?.into_parts();
        parts.headers = headers;
        Some(parts)
    }
}

/// The values of a genuine request.
#[derive(Default)]
pub struct Genuine {
    pub signature: String,
    pub timestamp: String,
    pub event_id: String,
    pub value: String,
    /// The headers of the first three; `?` for the query.
    pub names: [String; 3],
}

impl Genuine {
    pub fn fill(&self, value: &[u8]) -> Vec<u8> {
        let mut filled = Vec::new();
        for byte in value {
            match *byte {
                SIGNATURE => filled.extend_from_slice(self.signature.as_bytes()),
                TIMESTAMP => filled.extend_from_slice(self.timestamp.as_bytes()),
                EVENT_ID => filled.extend_from_slice(self.event_id.as_bytes()),
                VALUE => filled.extend_from_slice(self.value.as_bytes()),
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
