//! Where the parts of a request stand, with their names parsed.

use http::HeaderName;

use super::{Names, invalid};
use crate::ConfigError;
use crate::signature::headers::MAX_CANDIDATES;
use crate::signature::scheme::{Coverage, Part, Scheme};
use crate::signature::source::Source;
use crate::signature::window::{TimestampFormat, TimestampRule};

#[derive(Debug)]
pub(crate) enum SignaturePlace {
    Header(Names),
    Lines(HeaderName),
    /// The names with their numbers.
    Numbered(Vec<HeaderName>),
    Query(String),
    Pointer(String),
    Form(String),
}

impl SignaturePlace {
    pub(crate) const fn is_in_body(&self) -> bool {
        matches!(self, Self::Pointer(_) | Self::Form(_))
    }
}

#[derive(Debug)]
pub(crate) enum TimestampPlace {
    Header(Names),
    Field(String),
    Pointer(String),
}

/// What comes behind a signed event id, so that its end is not ambiguous.
#[derive(Debug)]
pub(crate) enum IdEnd {
    Literal(String),
    /// An RFC 3339 timestamp.
    Rfc3339,
}

impl IdEnd {
    /// Whether an end could be seen within the id, so that another id with
    /// another timestamp would make the same content.
    pub(crate) fn is_in(&self, id: &[u8]) -> bool {
        match self {
            Self::Literal(text) => match text.as_bytes() {
                [byte] => memchr::memchr(*byte, id).is_some(),
                text => id.windows(text.len()).any(|window| window == text),
            },
            // Two such dates cannot overlap: where one has a digit, the other
            // would have a hyphen or a `T`. So whichever id is the longer one of
            // two holds the date of the other's timestamp. What is behind the
            // date ends by itself.
            Self::Rfc3339 => id.windows(RFC3339_DATE.len()).any(|window| {
                let mut pairs = window.iter().zip(RFC3339_DATE);
                pairs.all(|(byte, shape)| match shape {
                    b'0' => byte.is_ascii_digit(),
                    b'T' => b"Tt ".contains(byte),
                    _ => byte == shape,
                })
            }),
        }
    }
}

/// How every RFC 3339 timestamp begins; `0` is any digit.
const RFC3339_DATE: &[u8; 11] = b"0000-00-00T";

pub(super) fn signature(scheme: &Scheme, source: &Source) -> Result<SignaturePlace, ConfigError> {
    Ok(match source {
        Source::Header(names) => SignaturePlace::Header(header_names(names)?),
        Source::Lines(name) => SignaturePlace::Lines(header_name(name)?),
        Source::Numbered(prefix) => SignaturePlace::Numbered(
            (1..=MAX_CANDIDATES)
                .map(|number| header_name(&format!("{prefix}{number}")))
                .collect::<Result<_, _>>()?,
        ),
        Source::Query(name) => SignaturePlace::Query(name.to_string()),
        Source::Pointer(pointer) => SignaturePlace::Pointer(pointer.to_string()),
        Source::Form(name) => SignaturePlace::Form(name.to_string()),
        Source::Field(_) => {
            let reason = "a signature is not read from a field of itself";
            return Err(invalid(scheme, reason));
        }
    })
}

pub(super) fn timestamp(
    scheme: &Scheme,
    rule: &TimestampRule,
) -> Result<TimestampPlace, ConfigError> {
    let place = match &rule.source {
        Source::Header(names) => TimestampPlace::Header(header_names(names)?),
        Source::Field(_) if !scheme.grammar.has_fields() => {
            let reason = "its timestamp is a field of the signature header, whose grammar has none";
            return Err(invalid(scheme, reason));
        }
        Source::Field(key) => TimestampPlace::Field(key.to_string()),
        Source::Pointer(pointer) => TimestampPlace::Pointer(pointer.to_string()),
        Source::Lines(_) | Source::Numbered(_) | Source::Query(_) | Source::Form(_) => {
            let reason = "a timestamp is read from a header, a field or the JSON body";
            return Err(invalid(scheme, reason));
        }
    };
    let apart = scheme.content.contains(&Part::Timestamp);
    let is_signed = match &place {
        TimestampPlace::Pointer(at) => {
            !apart && (scheme.coverage() == Coverage::Body || signs_value(scheme, at))
        }
        TimestampPlace::Header(_) | TimestampPlace::Field(_) => apart,
    };
    match is_signed {
        true => Ok(place),
        false => Err(invalid(
            scheme,
            "its timestamp must be signed: either in the body, or a part of the content of its own",
        )),
    }
}

/// Whether the scheme signs the value at `at` in the body by itself.
fn signs_value(scheme: &Scheme, at: &str) -> bool {
    let mut parts = scheme.content.iter();
    parts.any(|part| matches!(part, Part::Value { pointer, .. } if pointer == at))
}

/// The event id's header, if it is in one.
pub(super) fn id_header(scheme: &Scheme) -> Result<Option<Names>, ConfigError> {
    let in_body = |source: &Source| matches!(source, Source::Pointer(_) | Source::Form(_));
    match scheme.event_id.as_slice() {
        [Source::Header(names)] => Ok(Some(header_names(names)?)),
        sources if sources.iter().all(in_body) => Ok(None),
        _ => Err(invalid(
            scheme,
            "an event id is one header, or one or more values of the body",
        )),
    }
}

/// What ends the event id in the signed content, if it is there.
pub(super) fn id_end(
    scheme: &Scheme,
    header: Option<&Names>,
) -> Result<Option<IdEnd>, ConfigError> {
    let mut parts = scheme.content.iter();
    if !parts.any(|part| *part == Part::EventId) {
        return Ok(None);
    }
    if header.is_none() {
        let reason = "it signs an event id that is not in a header";
        return Err(invalid(scheme, reason));
    }
    let format = scheme.timestamp.as_ref().map(|rule| rule.format);
    match parts.next() {
        Some(Part::Literal(text)) if !text.is_empty() => Ok(Some(IdEnd::Literal(text.to_string()))),
        Some(Part::Timestamp) if format == Some(TimestampFormat::Rfc3339) => {
            Ok(Some(IdEnd::Rfc3339))
        }
        _ => Err(invalid(
            scheme,
            "a signed event id must be followed by a literal or an RFC 3339 timestamp, or its \
             end is ambiguous",
        )),
    }
}

/// The headers that the event type is read from.
pub(super) fn type_headers(scheme: &Scheme) -> Result<Vec<Names>, ConfigError> {
    let mut headers = Vec::new();
    for source in &scheme.event_type {
        match source {
            Source::Header(names) => headers.push(header_names(names)?),
            Source::Pointer(_) | Source::Form(_) => {}
            Source::Lines(_) | Source::Numbered(_) | Source::Field(_) | Source::Query(_) => {
                let reason = "an event type is read from a header or the body";
                return Err(invalid(scheme, reason));
            }
        }
    }
    Ok(headers)
}

fn header_names(names: &[std::borrow::Cow<'static, str>]) -> Result<Names, ConfigError> {
    names.iter().map(|name| header_name(name)).collect()
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    HeaderName::try_from(name).map_err(|_| ConfigError::InvalidHeaderName {
        name: name.to_owned(),
    })
}
