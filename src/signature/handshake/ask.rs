//! Whether a request is a challenge.

use http::{HeaderMap, Method, Uri};

use super::{Condition, Handshake};
use crate::signature::{Source, form, json};

/// A request that may be a challenge.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    /// Empty until it was read.
    pub(crate) body: &'a [u8],
}

/// The value at a place of a request.
pub(super) enum Found {
    Absent,
    One(String),
    /// Repeated, or of a type or with characters that have no one meaning.
    Unusable,
}

impl Asked<'_> {
    pub(super) fn read(&self, source: &Source) -> Found {
        let found = match source {
            Source::Header(names) => return self.header(names),
            Source::Query(name) => {
                let query = self.uri.query().unwrap_or_default();
                form::value(query.as_bytes(), name).map_err(drop)
            }
            Source::Form(name) if form::is_form(self.headers) == Ok(true) => {
                form::value(self.body, name).map_err(drop)
            }
            Source::Pointer(pointer) => match json::read(self.body, pointer) {
                Err(json::JsonError::NotJson) => Ok(None),
                found => found.map_err(drop),
            },
            // Refused when the scheme is built, but for a form that is none.
            Source::Form(_) | Source::Lines(_) | Source::Numbered(_) | Source::Field(_) => Ok(None),
        };
        match found {
            Ok(Some(value)) => Found::One(value),
            Ok(None) => Found::Absent,
            Err(()) => Found::Unusable,
        }
    }

    fn header(&self, names: &[std::borrow::Cow<'static, str>]) -> Found {
        let mut lines = names
            .iter()
            .flat_map(|name| self.headers.get_all(name.as_ref()));
        match (lines.next(), lines.next()) {
            (None, _) => Found::Absent,
            (Some(line), None) => match line.to_str() {
                Ok(text) => Found::One(text.to_owned()),
                Err(_) => Found::Unusable,
            },
            (Some(_), Some(_)) => Found::Unusable,
        }
    }

    fn fulfils(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Present(source) => !matches!(self.read(source), Found::Absent),
            Condition::Absent(source) => matches!(self.read(source), Found::Absent),
            Condition::Equals(source, value) => {
                // A scan costs a fraction of reading, and nearly no delivery
                // has the word in it.
                let may_hold = !matches!(source, Source::Pointer(_))
                    || memchr::memmem::find(self.body, value.as_bytes()).is_some();
                may_hold && matches!(self.read(source), Found::One(found) if found == *value)
            }
            Condition::Digits(source) => matches!(
                self.read(source),
                Found::One(found) if is_number(&found)
            ),
            Condition::Hex(source, length) => matches!(
                self.read(source),
                Found::One(found) if length.contains(&found.len()) && is_lower_hex(&found)
            ),
            Condition::Alone(source) => match source {
                Source::Form(_) => form::len(self.body) == 1 && self.has_one(source),
                _ => json::keys(self.body) == Some(1) && self.has_one(source),
            },
        }
    }

    fn has_one(&self, source: &Source) -> bool {
        matches!(self.read(source), Found::One(_))
    }
}

fn is_lower_hex(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.bytes().all(is_digit)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Source {
    pub(super) const fn is_in_body(&self) -> bool {
        matches!(self, Self::Pointer(_) | Self::Form(_))
    }
}

impl Handshake {
    /// Whether the request may be this challenge, as far as can be told without
    /// its body.
    pub(crate) fn fits_head(&self, asked: &Asked<'_>) -> bool {
        *asked.method == self.method
            && self
                .conditions
                .iter()
                .filter(|condition| !condition.source().is_in_body())
                .all(|condition| asked.fulfils(condition))
    }

    /// Whether the rest holds, too.
    pub(crate) fn fits_body(&self, asked: &Asked<'_>) -> bool {
        self.conditions
            .iter()
            .filter(|condition| condition.source().is_in_body())
            .all(|condition| asked.fulfils(condition))
    }

    /// Whether the body is needed, to tell the challenge or to answer it.
    pub(crate) fn reads_body(&self) -> bool {
        self.sources().any(Source::is_in_body)
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        let replied = self.reply.values().filter_map(super::ReplyValue::source);
        self.conditions
            .iter()
            .map(Condition::source)
            .chain(&self.verify_token)
            .chain(&self.capture)
            .chain(replied)
    }
}
