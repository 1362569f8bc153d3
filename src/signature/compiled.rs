//! A scheme with its names parsed and its contradictions refused.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::grammar::Grammar;
use super::scheme::{Algorithm, Coverage, Part, Scheme};
use super::source::Source;
use super::window::TimestampRule;
use crate::ConfigError;

/// What [`Scheme`] becomes when a verifier is built from it.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) scheme: Scheme,
    /// The methods as the `Allow` header lists them.
    pub(crate) allow: String,
    pub(crate) signatures: Vec<SignaturePlace>,
    pub(crate) fixed_headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) before_body: Vec<Piece>,
    pub(crate) after_body: Vec<Piece>,
    pub(crate) timestamp: Option<(TimestampPlace, TimestampRule)>,
    /// The event id header, where that is where it is.
    pub(crate) id_header: Option<Names>,
    /// The headers that the event type is read from.
    pub(crate) type_headers: Vec<Names>,
    /// What must not stand in a signed event id: the literal behind it.
    pub(crate) id_delimiter: Option<String>,
    /// The length of a decoded signature, in bytes; `None` if it is not fixed.
    pub(crate) tag_len: Option<usize>,
    /// Whether the body must be there as a whole before it is looked at.
    pub(crate) whole: bool,
}

/// One header under the names of all families.
pub(crate) type Names = Vec<HeaderName>;

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

/// A [`Part`] other than the body.
#[derive(Debug)]
pub(crate) enum Piece {
    Literal(Vec<u8>),
    Timestamp,
    EventId,
}

/// The name that family number `family` uses.
pub(crate) fn name_of(names: &Names, family: usize) -> Option<&HeaderName> {
    names.get(family).or_else(|| names.last())
}

/// The one line of header `name`; an error if there are several.
pub(crate) fn single_line<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, Repeated> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (line, None) => Ok(line),
        (_, Some(_)) => Err(Repeated),
    }
}

/// A header that may come once came more than once.
#[derive(Debug)]
pub(crate) struct Repeated;

impl Compiled {
    pub(crate) fn new(scheme: Scheme) -> Result<Self, ConfigError> {
        let invalid = |reason: &'static str| ConfigError::InvalidScheme {
            scheme: scheme.name.to_string(),
            reason: reason.into(),
        };
        if scheme.name.is_empty() {
            return Err(invalid("it has no name"));
        }
        if scheme.methods.is_empty() {
            return Err(invalid("it allows no method"));
        }
        if scheme.max_body == 0 {
            return Err(ConfigError::Zero {
                setting: "max_body",
            });
        }
        if let Grammar::Fields { separator, .. } = scheme.grammar
            && (!separator.is_ascii() || separator == '=')
        {
            return Err(invalid(
                "its fields cannot be told apart by their separator",
            ));
        }
        check_pointers(&scheme).map_err(invalid)?;
        check_content(&scheme).map_err(invalid)?;
        super::handshake::check(&scheme).map_err(invalid)?;
        let signatures = scheme
            .signatures
            .iter()
            .map(|source| SignaturePlace::new(source)?.map_err(invalid))
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.is_empty() && scheme.protocol.is_none() {
            return Err(invalid("it does not say where the signature is"));
        }
        if scheme.each.is_some() && !matches!(signatures.as_slice(), [SignaturePlace::Pointer(_)]) {
            return Err(invalid(
                "items that are signed one by one hold their signatures",
            ));
        }
        let tag_len = match scheme.algorithm {
            Algorithm::Hmac(hash) | Algorithm::Hash(hash) => Some(hash.tag_len()),
            Algorithm::Token => None,
            #[cfg(feature = "public-key")]
            Algorithm::PublicKey(_) => None,
        };

        let timestamp = match scheme.timestamp.clone() {
            None if scheme.content.contains(&Part::Timestamp) => {
                return Err(invalid(
                    "it signs a timestamp and does not say where that is",
                ));
            }
            None => None,
            Some(rule) => {
                if rule.past.is_zero() {
                    return Err(ConfigError::ZeroTolerance);
                }
                let place = match &rule.source {
                    Source::Header(names) => TimestampPlace::Header(header_names(names)?),
                    Source::Field(key) => TimestampPlace::Field(key.to_string()),
                    Source::Pointer(pointer) => TimestampPlace::Pointer(pointer.to_string()),
                    Source::Lines(_) | Source::Numbered(_) | Source::Query(_) | Source::Form(_) => {
                        return Err(invalid(
                            "a timestamp is read from a header, a field or the JSON body",
                        ));
                    }
                };
                let apart = scheme.content.contains(&Part::Timestamp);
                let is_signed = match &place {
                    TimestampPlace::Pointer(at) => {
                        !apart && (scheme.coverage() == Coverage::Body || signs_value(&scheme, at))
                    }
                    TimestampPlace::Header(_) | TimestampPlace::Field(_) => apart,
                };
                if !is_signed {
                    return Err(invalid(
                        "its timestamp must be signed: either in the body, or a part of the \
                         content of its own",
                    ));
                }
                Some((place, rule))
            }
        };

        let id_header = match scheme.event_id.as_slice() {
            [Source::Header(names)] => Some(header_names(names)?),
            sources
                if sources
                    .iter()
                    .all(|source| matches!(source, Source::Pointer(_) | Source::Form(_))) =>
            {
                None
            }
            _ => {
                return Err(invalid(
                    "an event id is one header, or one or more values of the body",
                ));
            }
        };
        let mut type_headers = Vec::new();
        for source in &scheme.event_type {
            match source {
                Source::Header(names) => type_headers.push(header_names(names)?),
                Source::Pointer(_) | Source::Form(_) => {}
                Source::Lines(_) | Source::Numbered(_) | Source::Field(_) | Source::Query(_) => {
                    return Err(invalid("an event type is read from a header or the body"));
                }
            }
        }

        let body_at = scheme.content.iter().position(|part| *part == Part::Body);
        let (before, after) = scheme.content.split_at(body_at.unwrap_or(0));
        let id_delimiter = match scheme
            .content
            .iter()
            .position(|part| *part == Part::EventId)
        {
            None => None,
            Some(_) if id_header.is_none() => {
                return Err(invalid("it signs an event id that is not in a header"));
            }
            Some(at) => match scheme.content.get(at + 1) {
                Some(Part::Literal(text)) if !text.is_empty() => Some(text.to_string()),
                _ => {
                    return Err(invalid(
                        "a signed event id must be followed by a literal, or its end is ambiguous",
                    ));
                }
            },
        };

        let fixed_headers = scheme
            .fixed_headers
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value)
                    .map_err(|_| invalid("a fixed header has an invalid value"))?;
                Ok((header_name(name)?, value))
            })
            .collect::<Result<Vec<_>, ConfigError>>()?;

        let whole = scheme.protocol.is_some()
            || scheme.each.is_some()
            || !matches!(scheme.algorithm, Algorithm::Hmac(_) | Algorithm::Token)
            || !scheme.content.iter().all(Part::streams)
            || signatures.iter().any(SignaturePlace::is_in_body);
        Ok(Self {
            whole,
            allow: scheme
                .methods
                .iter()
                .map(http::Method::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            signatures,
            fixed_headers,
            before_body: pieces(before),
            after_body: pieces(after),
            timestamp,
            id_header,
            type_headers,
            id_delimiter,
            tag_len,
            scheme,
        })
    }
}

/// Whether the scheme signs the value at `at` in the body by itself.
fn signs_value(scheme: &Scheme, at: &str) -> bool {
    let mut parts = scheme.content.iter();
    parts.any(|part| matches!(part, Part::Value { pointer, .. } if pointer == at))
}

fn check_pointers(scheme: &Scheme) -> Result<(), &'static str> {
    let sources = scheme
        .timestamp
        .iter()
        .map(|rule| &rule.source)
        .chain(&scheme.signatures)
        .chain(&scheme.event_id)
        .chain(&scheme.event_type);
    let sources = sources.filter_map(|source| match source {
        Source::Pointer(pointer) => Some(pointer),
        _ => None,
    });
    let parts = scheme.content.iter().filter_map(|part| match part {
        Part::Value { pointer, .. } => Some(pointer),
        _ => None,
    });
    if sources
        .chain(parts)
        .chain(&scheme.each)
        .all(|pointer| is_pointer(pointer))
    {
        Ok(())
    } else {
        Err("a JSON pointer starts with a slash")
    }
}

/// Whether the signed content fits the algorithm.
fn check_content(scheme: &Scheme) -> Result<(), &'static str> {
    let count = |wanted: &Part| scheme.content.iter().filter(|part| *part == wanted).count();
    let has_url = scheme
        .content
        .iter()
        .any(|part| matches!(part, Part::Url(_)));
    let headers = scheme.content.iter().filter_map(|part| match part {
        Part::Header(name) => Some(name),
        _ => None,
    });
    if let Some(protocol) = &scheme.protocol {
        if scheme.timestamp.is_some() {
            return Err("its protocol judges the timestamp");
        }
        return protocol.0.validate(scheme);
    }
    if scheme.algorithm == Algorithm::Token {
        if !scheme.content.is_empty() {
            return Err("a token signs no content");
        }
        if scheme.timestamp.is_some() {
            return Err("a token proves no timestamp");
        }
        return Ok(());
    }
    if scheme.encoding == super::Encoding::Text {
        return Err("a signature is not text; state its encoding");
    }
    if count(&Part::Body) > 1 {
        return Err("the signed content must not hold the body twice");
    }
    if scheme
        .content
        .iter()
        .all(|part| matches!(part, Part::Literal(_) | Part::Secret))
    {
        return Err("it signs nothing of the request");
    }
    match scheme.algorithm {
        Algorithm::Hash(_) if count(&Part::Secret) != 1 => {
            return Err("the hashed content must hold the secret exactly once");
        }
        Algorithm::Hash(_) => {}
        _ if count(&Part::Secret) > 0 => {
            return Err("the secret is a part of a plain hash only");
        }
        _ => {}
    }
    if scheme.each.is_some() && count(&Part::Body) > 0 {
        return Err("items that are signed one by one do not hold the body");
    }
    if has_url && scheme.public_url.is_none() {
        return Err("it signs the URL; say which with `with_public_url`");
    }
    let has_digest = |part: &Part| {
        matches!(
            part,
            Part::SortedForm {
                digest: Some(_),
                ..
            }
        )
    };
    if !has_url && scheme.content.iter().any(has_digest) {
        return Err("the digest of a body in the URL is signed only with the URL");
    }
    if headers.clone().any(|name| header_name(name).is_err()) {
        return Err("a signed header has an invalid name");
    }
    Ok(())
}

impl SignaturePlace {
    fn new(source: &Source) -> Result<Result<Self, &'static str>, ConfigError> {
        Ok(Ok(match source {
            Source::Header(names) => Self::Header(header_names(names)?),
            Source::Lines(name) => Self::Lines(header_name(name)?),
            Source::Numbered(prefix) => Self::Numbered(
                (1..=super::headers::MAX_CANDIDATES)
                    .map(|number| header_name(&format!("{prefix}{number}")))
                    .collect::<Result<_, _>>()?,
            ),
            Source::Query(name) => Self::Query(name.to_string()),
            Source::Pointer(pointer) => Self::Pointer(pointer.to_string()),
            Source::Form(name) => Self::Form(name.to_string()),
            Source::Field(_) => {
                return Ok(Err("a signature is not read from a field of itself"));
            }
        }))
    }
}

/// RFC 6901 section 3; the empty one is the whole body.
fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

fn pieces(parts: &[Part]) -> Vec<Piece> {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Literal(text) => Some(Piece::Literal(text.as_bytes().to_vec())),
            Part::Timestamp => Some(Piece::Timestamp),
            Part::EventId => Some(Piece::EventId),
            _ => None,
        })
        .collect()
}

fn header_names(names: &[std::borrow::Cow<'static, str>]) -> Result<Names, ConfigError> {
    names.iter().map(|name| header_name(name)).collect()
}

fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    HeaderName::try_from(name).map_err(|_| ConfigError::InvalidHeaderName {
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::Hash;

    fn refused(change: impl FnOnce(Scheme) -> Scheme) -> bool {
        let scheme = Scheme::hmac("acme", Hash::Sha256)
            .with_signature(Source::header("x-signature"), Grammar::Plain);
        assert!(Compiled::new(scheme.clone()).is_ok());
        Compiled::new(change(scheme)).is_err()
    }

    #[test]
    fn a_separator_separates() {
        for separator in ['=', '\u{bf}', '\u{20ac}'] {
            let grammar = Grammar::fields(separator, "v1");
            assert!(refused(|scheme| {
                scheme.with_signature(Source::header("x-signature"), grammar)
            }));
        }
    }

    #[test]
    fn a_pointer_starts_with_a_slash() {
        assert!(refused(
            |scheme| scheme.with_event_id([Source::pointer("id")])
        ));
        assert!(refused(
            |scheme| scheme.with_event_type([Source::pointer("type")])
        ));
        let rule = TimestampRule::seconds(Source::pointer("time"));
        assert!(refused(|scheme| scheme.with_timestamp(rule)));
        assert!(!refused(
            |scheme| scheme.with_event_id([Source::pointer("")])
        ));
    }
}
