use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::request::Parts;

use super::compiled::{Compiled, Piece, SignaturePlace, TimestampPlace, name_of, single_line};
use super::event::{EventId, EventIdError, Request, event_id, event_type};
use super::grammar::FieldValue;
use super::json;
use super::mac::{MacState, Matching, Tag, token_tag};
use super::scheme::Algorithm;
use super::verifier::{Inner, Key};
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};

/// How many signatures of one request are compared.
const MAX_CANDIDATES: usize = 16;

/// A verification that waits for the body.
///
/// Made by [`Verifier::begin`](super::Verifier::begin). Takes the body as it
/// arrives, hashes it at once and keeps it: a body that came in one piece is
/// not copied.
pub struct Check<'a> {
    hashing: Hashing<'a>,
    body: Collected,
}

enum Collected {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl<'a> Check<'a> {
    pub(super) fn new(hashing: Hashing<'a>) -> Self {
        Self {
            hashing,
            body: Collected::Nothing,
        }
    }

    /// Takes the next piece of the body.
    pub fn update(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        self.hashing.update(&chunk);
        self.body = match std::mem::replace(&mut self.body, Collected::Nothing) {
            Collected::Nothing => Collected::One(chunk),
            Collected::One(first) => {
                let mut all =
                    BytesMut::with_capacity((first.len() + chunk.len()).next_power_of_two());
                all.extend_from_slice(&first);
                all.extend_from_slice(&chunk);
                Collected::Many(all)
            }
            Collected::Many(mut all) => {
                all.extend_from_slice(&chunk);
                Collected::Many(all)
            }
        };
    }

    /// How many bytes have been taken.
    #[must_use]
    pub fn received(&self) -> usize {
        match &self.body {
            Collected::Nothing => 0,
            Collected::One(bytes) => bytes.len(),
            Collected::Many(bytes) => bytes.len(),
        }
    }

    /// Decides, once the whole body has been taken.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the request is not genuine or not fresh.
    pub fn finish(self) -> Result<Verified<'a>, Rejection> {
        let body = match self.body {
            Collected::Nothing => Bytes::new(),
            Collected::One(bytes) => bytes,
            Collected::Many(bytes) => bytes.freeze(),
        };
        self.hashing.finish(VerifiedBytes::Owned(body))
    }
}

impl fmt::Debug for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("scheme", &self.hashing.inner.compiled.scheme.name())
            .field("received", &self.received())
            .finish_non_exhaustive()
    }
}

/// The state between the headers and the end of the body.
pub(super) struct Hashing<'a> {
    inner: &'a Arc<Inner>,
    parts: &'a Parts,
    now: Timestamp,
    family: usize,
    candidates: Candidates,
    states: States,
    timestamp: Option<Timestamp>,
    signed: Signed<'a>,
}

/// Texts outside the body that are part of the signed content.
#[derive(Clone, Copy, Default)]
struct Signed<'a> {
    timestamp: &'a [u8],
    event_id: &'a [u8],
}

impl<'a> Hashing<'a> {
    pub(super) fn new(
        inner: &'a Arc<Inner>,
        parts: &'a Parts,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let compiled = &inner.compiled;
        for (name, value) in &compiled.fixed_headers {
            let line = single_line(&parts.headers, name);
            if !matches!(line, Ok(Some(line)) if line.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
            {
                return Err(Rejection::new(RejectionKind::UnexpectedHeader)
                    .with_detail(name.as_str().to_owned()));
            }
        }

        let family = compiled.family(parts);
        let mut candidates = Candidates::default();
        let mut signature_value: &[u8] = &[];
        let mut present = false;
        for place in &compiled.signatures {
            if let Some(value) = compiled.signature_value(place, family, parts)? {
                present = true;
                signature_value = value;
                compiled.collect(value, &mut candidates)?;
            }
        }
        if !present {
            return Err(compiled.missing_signature());
        }
        if candidates.is_empty() {
            return Err(Rejection::new(RejectionKind::MalformedSignature));
        }

        let mut signed = Signed::default();
        let mut timestamp = None;
        if let Some((place, rule)) = &compiled.timestamp {
            let text = match place {
                TimestampPlace::Pointer(_) => None,
                TimestampPlace::Header(names) => {
                    let name = name_of(names, family)
                        .ok_or_else(|| Rejection::new(RejectionKind::MissingTimestamp))?;
                    let line = single_line(&parts.headers, name).map_err(|_| {
                        Rejection::new(RejectionKind::MalformedTimestamp)
                            .with_detail(name.as_str().to_owned())
                    })?;
                    Some(line.map(HeaderValue::as_bytes).ok_or_else(|| {
                        Rejection::new(RejectionKind::MissingTimestamp)
                            .with_detail(name.as_str().to_owned())
                    })?)
                }
                TimestampPlace::Field(key) => {
                    match compiled.scheme.grammar.field(signature_value, key) {
                        FieldValue::One(text) => Some(text),
                        FieldValue::Missing => {
                            return Err(Rejection::new(RejectionKind::MissingTimestamp));
                        }
                        FieldValue::Repeated => {
                            return Err(Rejection::new(RejectionKind::MalformedTimestamp));
                        }
                    }
                }
            };
            if let Some(text) = text {
                timestamp = Some(rule.judge(text, now).map_err(not_fresh)?);
                signed.timestamp = text;
            }
        }

        if let Some(delimiter) = &compiled.id_delimiter {
            signed.event_id = compiled.signed_event_id(family, parts, delimiter)?;
        }

        let mut states = States::new(&inner.keys, now)?;
        // No content is signed with a token: nobody need read it to know.
        if compiled.scheme.algorithm == Algorithm::Token
            && states.clone().decide(&candidates).is_none()
        {
            return Err(Rejection::new(RejectionKind::SignatureMismatch));
        }
        states.update(&compiled.before_body, signed);
        Ok(Self {
            inner,
            parts,
            now,
            family,
            candidates,
            states,
            timestamp,
            signed,
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.states.each(|state| state.update(bytes));
    }

    pub(super) fn finish(mut self, body: VerifiedBytes<'a>) -> Result<Verified<'a>, Rejection> {
        let compiled = &self.inner.compiled;
        self.states.update(&compiled.after_body, self.signed);
        let Some((key, tag)) = self.states.decide(&self.candidates) else {
            return Err(compiled.decorate(Rejection::new(RejectionKind::SignatureMismatch)));
        };
        if let Some((TimestampPlace::Pointer(pointer), rule)) = &compiled.timestamp {
            let text = match json::read(body.as_slice(), pointer) {
                Ok(Some(text)) => Ok(text),
                Ok(None) => Err(RejectionKind::MissingTimestamp),
                Err(_) => Err(RejectionKind::MalformedTimestamp),
            };
            let judged = text
                .map_err(Rejection::new)
                .and_then(|text| rule.judge(text.as_bytes(), self.now).map_err(not_fresh));
            self.timestamp = Some(judged.map_err(|rejection| compiled.decorate(rejection))?);
        }
        Ok(Verified {
            inner: self.inner,
            parts: self.parts,
            family: self.family,
            key,
            tag,
            timestamp: self.timestamp,
            body,
        })
    }
}

fn not_fresh((kind, skew): (RejectionKind, Option<i64>)) -> Rejection {
    let rejection = Rejection::new(kind);
    match skew {
        Some(skew) => rejection.with_skew_seconds(skew),
        None => rejection,
    }
}

impl Compiled {
    /// The family whose signature header the request has; the first of those
    /// that are there.
    fn family(&self, parts: &Parts) -> usize {
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

    fn signature_value<'a>(
        &self,
        place: &SignaturePlace,
        family: usize,
        parts: &'a Parts,
    ) -> Result<Option<&'a [u8]>, Rejection> {
        match place {
            SignaturePlace::Header(names) => {
                let Some(name) = name_of(names, family) else {
                    return Ok(None);
                };
                let line = single_line(&parts.headers, name).map_err(|_| {
                    Rejection::new(RejectionKind::RepeatedSignatureHeader)
                        .with_detail(name.as_str().to_owned())
                })?;
                Ok(line.map(HeaderValue::as_bytes))
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
                    (value, None) => Ok(value),
                    (_, Some(_)) => Err(Rejection::new(RejectionKind::RepeatedSignatureHeader)),
                }
            }
        }
    }

    /// Decodes the signatures in `value`. One that does not decode is skipped:
    /// providers may add new forms beside the known one.
    fn collect(&self, value: &[u8], candidates: &mut Candidates) -> Result<(), Rejection> {
        let mut listed = candidates.len();
        self.scheme.grammar.signatures(value, |text| {
            listed += 1;
            if listed > MAX_CANDIDATES {
                return;
            }
            match self.scheme.algorithm {
                Algorithm::Hmac(_) => {
                    let mut tag: Tag = [0; 64];
                    let decoded = tag
                        .get_mut(..self.tag_len)
                        .and_then(|out| self.scheme.encoding.decode_exact(text, out));
                    if decoded.is_some() {
                        candidates.push(tag);
                    }
                }
                Algorithm::Token => {
                    if let Some(token) = self.scheme.encoding.decode(text) {
                        candidates.push(token_tag(&token));
                    }
                }
            }
        });
        if listed > MAX_CANDIDATES {
            return Err(Rejection::new(RejectionKind::TooManySignatures));
        }
        Ok(())
    }

    /// The event id header where it is signed: present once and without the
    /// delimiter that ends it in the signed content.
    fn signed_event_id<'a>(
        &self,
        family: usize,
        parts: &'a Parts,
        delimiter: &str,
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
                let delimiter = delimiter.as_bytes();
                if id
                    .windows(delimiter.len())
                    .any(|window| window == delimiter)
                {
                    return reject(RejectionKind::MalformedSignedValue);
                }
                Ok(id)
            }
        }
    }
}

/// Decoded signatures; two fit without an allocation.
#[derive(Default)]
struct Candidates {
    first: Option<Tag>,
    second: Option<Tag>,
    more: Vec<Tag>,
}

impl Candidates {
    fn push(&mut self, tag: Tag) {
        if self.first.is_none() {
            self.first = Some(tag);
        } else if self.second.is_none() {
            self.second = Some(tag);
        } else {
            self.more.push(tag);
        }
    }

    fn len(&self) -> usize {
        self.iter().count()
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.first.iter().chain(&self.second).chain(&self.more)
    }
}

/// One running MAC for each active key, with the key's position; two fit
/// without an allocation.
#[derive(Clone)]
struct States {
    first: (u32, MacState),
    second: Option<(u32, MacState)>,
    more: Vec<(u32, MacState)>,
}

impl States {
    fn new(keys: &[Key], now: Timestamp) -> Result<Self, Rejection> {
        let mut active = (0_u32..)
            .zip(keys)
            .filter(|(_, key)| key.is_active(now))
            .map(|(position, key)| (position, key.state.clone()));
        let first = active
            .next()
            .ok_or_else(|| Rejection::new(RejectionKind::NoActiveSecret))?;
        Ok(Self {
            first,
            second: active.next(),
            more: active.collect(),
        })
    }

    fn each(&mut self, mut step: impl FnMut(&mut MacState)) {
        step(&mut self.first.1);
        for (_, state) in self.second.iter_mut().chain(&mut self.more) {
            step(state);
        }
    }

    fn update(&mut self, pieces: &[Piece], signed: Signed<'_>) {
        for piece in pieces {
            let bytes = match piece {
                Piece::Literal(bytes) => bytes,
                Piece::Timestamp => signed.timestamp,
                Piece::EventId => signed.event_id,
            };
            self.each(|state| state.update(bytes));
        }
    }

    fn decide(self, candidates: &Candidates) -> Option<(u32, Tag)> {
        let mut matching = Matching::new();
        let rest = self.second.into_iter().chain(self.more);
        for (key, state) in std::iter::once(self.first).chain(rest) {
            matching.compare(key, &state.finish(), candidates.iter());
        }
        matching.decide()
    }
}

/// A request that has proved to be genuine and fresh.
pub struct Verified<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    pub(crate) parts: &'a Parts,
    pub(crate) family: usize,
    pub(crate) key: u32,
    pub(crate) tag: Tag,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) body: VerifiedBytes<'a>,
}

#[cfg(any(test, feature = "testing"))]
impl super::Verifier {
    /// For tests of what comes behind verification.
    pub(crate) fn assume_verified<'a>(&'a self, parts: &'a Parts, body: Bytes) -> Verified<'a> {
        Verified {
            inner: self.inner(),
            parts,
            family: self.inner().compiled.family(parts),
            key: 0,
            tag: token_tag(&body),
            timestamp: None,
            body: VerifiedBytes::Owned(body),
        }
    }
}

/// A body, borrowed from the caller or collected on the way.
pub(crate) enum VerifiedBytes<'a> {
    Borrowed(&'a [u8]),
    Owned(Bytes),
}

impl VerifiedBytes<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl<'a> From<&'a [u8]> for VerifiedBytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Borrowed(bytes)
    }
}

impl Verified<'_> {
    /// The name of the scheme.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.inner.compiled.scheme.name()
    }

    /// The body, exactly as it was sent.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_slice()
    }

    /// The event id, if the request has one.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be used: empty, longer than 255 bytes, with
    /// control characters, or ambiguous because it is repeated.
    pub fn event_id(&self) -> Result<Option<EventId>, EventIdError> {
        event_id(&self.inner.compiled, &self.request())
    }

    /// The event type, if the request has one.
    #[must_use]
    pub fn event_type(&self) -> Option<String> {
        event_type(&self.inner.compiled.scheme, &self.request())
    }

    /// The sender's timestamp, where the scheme signs one.
    #[must_use]
    pub const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// The label of the secret that matched, if it has one.
    #[must_use]
    pub fn key_label(&self) -> Option<&str> {
        self.inner.label(self.key)
    }

    fn request(&self) -> Request<'_> {
        Request {
            headers: &self.parts.headers,
            family: self.family,
            body: self.body.as_slice(),
        }
    }
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("provider", &self.provider())
            .field("timestamp", &self.timestamp)
            .field("key_label", &self.key_label())
            .finish_non_exhaustive()
    }
}
