//! A scheme with its names parsed and its contradictions refused.

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) use self::places::{IdEnd, SignaturePlace, TimestampPlace};
use super::scheme::{Algorithm, Part, Scheme};
use super::window::TimestampRule;
use crate::ConfigError;

mod checks;
mod places;

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
    /// What ends a signed event id, and must not stand in it.
    pub(crate) id_end: Option<IdEnd>,
    /// The length of a decoded signature, in bytes; `None` if it is not fixed.
    pub(crate) tag_len: Option<usize>,
    /// Whether the body must be there as a whole before it is looked at.
    pub(crate) whole: bool,
}

/// One header under the names of all families.
pub(crate) type Names = Vec<HeaderName>;

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
pub(crate) fn single_line(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&HeaderValue>, Repeated> {
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
        if scheme.max_body == 0 {
            return Err(ConfigError::Zero {
                setting: "max_body",
            });
        }
        checks::check(&scheme).map_err(|reason| invalid(&scheme, reason))?;
        let signatures = scheme
            .signatures
            .iter()
            .map(|source| places::signature(&scheme, source))
            .collect::<Result<Vec<_>, _>>()?;
        let timestamp = match &scheme.timestamp {
            None => None,
            Some(rule) if rule.past.is_zero() => return Err(ConfigError::ZeroTolerance),
            Some(rule) => Some((places::timestamp(&scheme, rule)?, rule.clone())),
        };
        let id_header = places::id_header(&scheme)?;
        let id_end = places::id_end(&scheme, id_header.as_ref())?;
        let type_headers = places::type_headers(&scheme)?;
        let fixed_headers = scheme
            .fixed_headers
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value)
                    .map_err(|_| invalid(&scheme, "a fixed header has an invalid value"))?;
                Ok((places::header_name(name)?, value))
            })
            .collect::<Result<Vec<_>, ConfigError>>()?;

        let tag_len = match scheme.algorithm {
            Algorithm::Hmac(hash) | Algorithm::Hash(hash) => Some(hash.tag_len()),
            Algorithm::Token => None,
            #[cfg(feature = "public-key")]
            Algorithm::PublicKey(_) => None,
        };
        let body_at = scheme.content.iter().position(|part| *part == Part::Body);
        let (before, after) = scheme.content.split_at(body_at.unwrap_or(0));
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
            id_end,
            tag_len,
            scheme,
        })
    }
}

fn invalid(scheme: &Scheme, reason: &'static str) -> ConfigError {
    ConfigError::InvalidScheme {
        scheme: scheme.name.to_string(),
        reason: reason.into(),
    }
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
