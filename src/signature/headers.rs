//! What a scheme reads from the parts of a request.

use http::HeaderValue;
use http::request::Parts;

use super::compiled::{Compiled, IdEnd, SignaturePlace, TimestampPlace, name_of, single_line};
use super::grammar::FieldValue;
use super::mac::{Tag, token_tag};
use crate::rejection::{Rejection, RejectionKind};

/// How many signatures of one request are compared.
pub(crate) const MAX_CANDIDATES: usize = 16;

impl Compiled {
    /// The family whose signature header the request has; the first of those
    /// that are there.
    pub(super) fn family(&self, parts: &Parts) -> usize {
        self.signatures
            .iter()
            .filter_map(|place| match place {
                SignaturePlace::Header(names) if names.len() > 1 => names
                    .iter()
                    .position(|name| parts.headers.contains_key(name)),
                _ => None,
            })
            .min()
            .unwrap_or(0)
    }

    /// Calls `found` with every value at `place`, which is outside the body.
    pub(super) fn signature_values<'a>(
        &self,
        place: &SignaturePlace,
        family: usize,
        parts: &'a Parts,
        mut found: impl FnMut(&'a [u8]) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let single = |name: &http::HeaderName| match single_line(&parts.headers, name) {
            Ok(line) => Ok(line.map(HeaderValue::as_bytes)),
            Err(_) => Err(Rejection::new(RejectionKind::RepeatedSignatureHeader)
                .with_detail(name.as_str().to_owned())),
        };
        match place {
            SignaturePlace::Header(names) => match name_of(names, family) {
                Some(name) => single(name)?.map_or(Ok(()), found),
                None => Ok(()),
            },
            SignaturePlace::Lines(name) => {
                let lines = parts.headers.get_all(name).iter();
                lines.map(HeaderValue::as_bytes).try_for_each(found)
            }
            SignaturePlace::Numbered(names) => {
                for name in names {
                    match single(name)? {
                        Some(value) => found(value)?,
                        None => break,
                    }
                }
                Ok(())
            }
            SignaturePlace::Query(name) => {
                let mut values = parts
                    .uri
                    .query()
                    .unwrap_or("")
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .filter(|(key, _)| key == name)
                    .map(|(_, value)| value.as_bytes());
                match (values.next(), values.next()) {
                    (value, None) => value.map_or(Ok(()), found),
                    (_, Some(_)) => Err(Rejection::new(RejectionKind::RepeatedSignatureHeader)),
                }
            }
            SignaturePlace::Pointer(_) | SignaturePlace::Form(_) => Ok(()),
        }
    }

    /// Whether a header that may hold a signature is there, as far as that can
    /// be told from the headers.
    pub(super) fn may_be_signed(&self, headers: &http::HeaderMap) -> bool {
        self.signatures.is_empty()
            || self.signatures.iter().any(|place| match place {
                SignaturePlace::Header(names) => {
                    names.iter().any(|name| headers.contains_key(name))
                }
                SignaturePlace::Lines(name) => headers.contains_key(name),
                SignaturePlace::Numbered(names) => {
                    names.first().is_some_and(|name| headers.contains_key(name))
                }
                SignaturePlace::Query(_) | SignaturePlace::Pointer(_) | SignaturePlace::Form(_) => {
                    true
                }
            })
    }

    /// Whether there is a signature outside the body.
    pub(crate) fn carries_signature(&self, headers: &http::HeaderMap, uri: &http::Uri) -> bool {
        self.signatures.iter().any(|place| match place {
            SignaturePlace::Header(names) => names.iter().any(|name| headers.contains_key(name)),
            SignaturePlace::Lines(name) => headers.contains_key(name),
            SignaturePlace::Numbered(names) => {
                names.first().is_some_and(|name| headers.contains_key(name))
            }
            SignaturePlace::Query(name) => {
                let mut pairs = uri.query().unwrap_or_default().split('&');
                pairs.any(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name))
            }
            SignaturePlace::Pointer(_) | SignaturePlace::Form(_) => false,
        })
    }

    /// Decodes the signatures in `value`. One that does not decode is skipped:
    /// providers may add new forms beside the known one.
    pub(super) fn collect(
        &self,
        value: &[u8],
        listed: &mut usize,
        candidates: &mut Candidates,
    ) -> Result<(), Rejection> {
        self.scheme.grammar.signatures(value, |text| {
            *listed += 1;
            if *listed > MAX_CANDIDATES {
                return;
            }
            match self.tag_len {
                Some(len) => {
                    let mut buffer = [0; 64];
                    if let Some(out) = buffer.get_mut(..len)
                        && self.scheme.encoding.decode_exact(text, out).is_some()
                    {
                        candidates.push(Tag::from_bytes(out));
                    }
                }
                None => {
                    if let Some(token) = self.scheme.encoding.decode(text) {
                        candidates.push(token_tag(&token));
                    }
                }
            }
        });
        if *listed > MAX_CANDIDATES {
            return Err(Rejection::new(RejectionKind::TooManySignatures));
        }
        Ok(())
    }

    /// [`collect`](Self::collect), for a scheme that looks at the whole body:
    /// `None` if more are listed than are tried.
    pub(super) fn listed(
        &self,
        value: &[u8],
        listed: &mut usize,
        signatures: &mut Vec<Vec<u8>>,
    ) -> Option<()> {
        self.scheme.grammar.signatures(value, |text| {
            *listed += 1;
            if *listed <= MAX_CANDIDATES
                && let Some(signature) = self.scheme.encoding.decode(text)
                && self.tag_len.is_none_or(|len| len == signature.len())
            {
                signatures.push(signature.into_owned());
            }
        });
        (*listed <= MAX_CANDIDATES).then_some(())
    }

    /// The text of a timestamp that is not in the body.
    pub(super) fn timestamp_text<'a>(
        &self,
        place: &TimestampPlace,
        family: usize,
        parts: &'a Parts,
        signature_value: &'a [u8],
    ) -> Result<Option<&'a [u8]>, Rejection> {
        match place {
            TimestampPlace::Pointer(_) => Ok(None),
            TimestampPlace::Header(names) => {
                let Some(name) = name_of(names, family) else {
                    return Err(Rejection::new(RejectionKind::MissingTimestamp));
                };
                let reject = |kind| Rejection::new(kind).with_detail(name.as_str().to_owned());
                match single_line(&parts.headers, name) {
                    Ok(Some(line)) => Ok(Some(line.as_bytes())),
                    Ok(None) => Err(reject(RejectionKind::MissingTimestamp)),
                    Err(_) => Err(reject(RejectionKind::MalformedTimestamp)),
                }
            }
            TimestampPlace::Field(key) => match self.scheme.grammar.field(signature_value, key) {
                FieldValue::One(text) => Ok(Some(text)),
                FieldValue::Missing => Err(Rejection::new(RejectionKind::MissingTimestamp)),
                FieldValue::Repeated => Err(Rejection::new(RejectionKind::MalformedTimestamp)),
            },
        }
    }

    /// The event id header where it is signed: present once and without what
    /// ends it in the signed content.
    pub(super) fn signed_event_id<'a>(
        &self,
        family: usize,
        parts: &'a Parts,
        end: &IdEnd,
    ) -> Result<&'a [u8], Rejection> {
        let reject = |kind| Err(Rejection::new(kind).with_detail("event id"));
        let name = self
            .id_header
            .as_ref()
            .and_then(|names| name_of(names, family));
        let Some(name) = name else {
            return reject(RejectionKind::MissingSignedValue);
        };
        match single_line(&parts.headers, name) {
            Ok(None) => reject(RejectionKind::MissingSignedValue),
            Err(_) => reject(RejectionKind::MalformedSignedValue),
            Ok(Some(line)) => {
                let id = line.as_bytes();
                match end.is_in(id) {
                    true => reject(RejectionKind::MalformedSignedValue),
                    false => Ok(id),
                }
            }
        }
    }
}

/// Decoded signatures; the first needs no allocation.
#[derive(Default)]
pub(super) struct Candidates {
    first: Option<Tag>,
    more: Vec<Tag>,
}

impl Candidates {
    fn push(&mut self, tag: Tag) {
        match self.first {
            None => self.first = Some(tag),
            Some(_) => self.more.push(tag),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.first.iter().chain(&self.more)
    }
}
