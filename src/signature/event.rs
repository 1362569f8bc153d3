use std::fmt;

use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

use super::compiled::{Compiled, name_of, single_line};
use super::form;
use super::json::{self, JsonError};
use super::scheme::Scheme;
use super::source::Source;

/// What the provider calls an event: not empty, at most 255 bytes, without
/// control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Box<str>);

impl EventId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 255;

    /// An id from its text.
    ///
    /// # Errors
    ///
    /// If the text is empty, too long, or holds control characters.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, EventIdError> {
        let text = text.into();
        if text.is_empty() || text.len() > Self::MAX_LEN || text.chars().any(char::is_control) {
            return Err(EventIdError(()));
        }
        Ok(Self(text))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for EventId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// An event id that is there and cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventIdError(pub(crate) ());

impl fmt::Display for EventIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event id is empty, too long, ambiguous or holds control characters")
    }
}

impl std::error::Error for EventIdError {}

/// What names the event, outside the body and in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventHeaders<H> {
    pub(crate) id: IdHeader<H>,
    pub(crate) event_type: Option<H>,
}

/// The header with the event id.
#[derive(Clone, Debug, Default)]
pub(crate) enum IdHeader<H> {
    #[default]
    Absent,
    One(H),
    Repeated,
}

impl Compiled {
    /// The headers that name the event.
    pub(crate) fn event_headers<'h>(
        &self,
        headers: &'h HeaderMap,
        family: usize,
    ) -> EventHeaders<&'h HeaderValue> {
        let id = self.id_header.as_ref();
        let id = match id.and_then(|names| name_of(names, family)) {
            None => IdHeader::Absent,
            Some(name) => match single_line(headers, name) {
                Ok(None) => IdHeader::Absent,
                Ok(Some(line)) => IdHeader::One(line),
                Err(_) => IdHeader::Repeated,
            },
        };
        EventHeaders {
            id,
            event_type: self
                .type_headers
                .iter()
                .filter_map(|names| name_of(names, family))
                .find_map(|name| headers.get(name)),
        }
    }
}

/// Between the values of an id that is made of several.
const ID_SEPARATOR: char = ':';

pub(crate) fn event_id(
    compiled: &Compiled,
    header: &IdHeader<impl std::borrow::Borrow<HeaderValue>>,
    body: &[u8],
) -> Result<Option<EventId>, EventIdError> {
    match header {
        IdHeader::Absent => event_id_in_body(&compiled.scheme, body),
        IdHeader::Repeated => Err(EventIdError(())),
        IdHeader::One(line) => {
            let text = std::str::from_utf8(line.borrow().as_bytes());
            EventId::new(text.map_err(|_| EventIdError(()))?).map(Some)
        }
    }
}

/// An id of several values is joined with a separator that only its last value
/// may hold, so that two ids never become one. The id of several events in one
/// body is a digest over theirs.
fn event_id_in_body(scheme: &Scheme, body: &[u8]) -> Result<Option<EventId>, EventIdError> {
    let mut values = Vec::with_capacity(scheme.event_id.len());
    for source in &scheme.event_id {
        let Some(of_source) = id_values(source, body)? else {
            return Ok(None);
        };
        values.push(of_source);
    }
    if values.is_empty() {
        return Ok(None);
    }
    if values.iter().any(|of_source| of_source.len() > 1) {
        return EventId::new(digest_of(&values)).map(Some);
    }
    let last = values.len().wrapping_sub(1);
    let mut id = String::new();
    for (position, value) in values.iter().flatten().enumerate() {
        if position != last && value.contains(ID_SEPARATOR) {
            return Err(EventIdError(()));
        }
        if position > 0 {
            id.push(ID_SEPARATOR);
        }
        id.push_str(value);
    }
    EventId::new(id).map(Some)
}

fn id_values(source: &Source, body: &[u8]) -> Result<Option<Vec<String>>, EventIdError> {
    match source {
        Source::Pointer(pointer) => match json::read_all(body, pointer) {
            Ok(values) => Ok(values),
            Err(JsonError::NotJson) => Ok(None),
            Err(JsonError::Unusable) => Err(EventIdError(())),
        },
        Source::Form(name) => match form::value(body, name) {
            Ok(value) => Ok(value.map(|value| vec![value])),
            Err(_) => Err(EventIdError(())),
        },
        _ => Ok(None),
    }
}

/// Every value goes in with its length, so that no two lists are one.
fn digest_of(values: &[Vec<String>]) -> String {
    let mut digest = Sha256::new();
    for of_source in values {
        digest.update(of_source.len().to_be_bytes());
        for value in of_source {
            digest.update(value.len().to_be_bytes());
            digest.update(value);
        }
    }
    format!("batch-{}", hex::encode(digest.finalize()))
}

pub(crate) fn event_type(
    scheme: &Scheme,
    header: Option<&HeaderValue>,
    body: &[u8],
) -> Option<String> {
    let header = header.and_then(|line| line.to_str().ok());
    header.map(str::to_owned).or_else(|| {
        scheme.event_type.iter().find_map(|source| match source {
            Source::Pointer(pointer) => json::read(body, pointer).ok().flatten(),
            Source::Form(name) => form::value(body, name).ok().flatten(),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c17_only_short_printable_ids_are_ids() {
        for text in ["", "a\0", "a\r\nb", "\u{7f}", &"x".repeat(256)] {
            assert!(EventId::new(text).is_err(), "{text:?}");
        }
        assert!(EventId::new("x".repeat(255)).is_ok());
        assert!(EventId::new("évt").is_ok());
    }

    #[test]
    fn c14_ids_of_several_values_do_not_run_together() {
        let scheme =
            Scheme::token("t").with_event_id([Source::pointer("/a"), Source::pointer("/b")]);
        let id = |body: &str| event_id_in_body(&scheme, body.as_bytes());
        assert_ne!(id(r#"{"a":"x","b":"yz"}"#), id(r#"{"a":"xy","b":"z"}"#));
        assert_eq!(id(r#"{"a":"x:y","b":"z"}"#), Err(EventIdError(())));
        assert_eq!(id(r#"{"a":"x"}"#), Ok(None));
    }

    #[test]
    fn c14_batches_of_events_are_known_by_all_their_ids() {
        let scheme = Scheme::token("t").with_event_id([Source::pointer("/*/id")]);
        let id = |body: &str| {
            let id = event_id_in_body(&scheme, body.as_bytes());
            id.unwrap().map(|id| id.as_str().to_owned())
        };
        assert_eq!(id(r#"[{"id":"a"}]"#).as_deref(), Some("a"));
        let both = id(r#"[{"id":"a"},{"id":"b"}]"#);
        assert_eq!(both, id(r#"[{"id":"a","x":1},{"id":"b"}]"#));
        for other in [
            r#"[{"id":"b"},{"id":"a"}]"#,
            r#"[{"id":"a"},{"id":"b"},{"id":"c"}]"#,
            r#"[{"id":"ab"},{"id":""}]"#,
            r#"[{"id":"a"},{}]"#,
        ] {
            assert_ne!(both, id(other), "{other}");
        }
    }
}
