use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::request::Parts;

use super::compiled::{Compiled, Piece, SignaturePlace, TimestampPlace, name_of, single_line};
use super::event::{EventHeaders, EventId, EventIdError, event_id, event_type};
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
/// arrives and keeps it: a body that comes in one piece is not copied, one that
/// comes in several is hashed on the way.
pub struct Check<'a> {
    judged: Judged<'a>,
    body: Collected,
}

enum Collected {
    Nothing,
    One(Bytes),
    Many(BytesMut, Box<States>),
}

impl<'a> Check<'a> {
    pub(super) fn new(judged: Judged<'a>) -> Self {
        Self {
            judged,
            body: Collected::Nothing,
        }
    }

    /// Takes the next piece of the body.
    pub fn update(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        match &mut self.body {
            Collected::Nothing => self.body = Collected::One(chunk),
            Collected::One(first) => {
                let mut states = Box::new(self.judged.states());
                states.update(first);
                states.update(&chunk);
                let both = first.len().saturating_add(chunk.len());
                let mut all = BytesMut::with_capacity(both.next_power_of_two());
                all.extend_from_slice(first);
                all.extend_from_slice(&chunk);
                self.body = Collected::Many(all, states);
            }
            Collected::Many(all, states) => {
                states.update(&chunk);
                all.extend_from_slice(&chunk);
            }
        }
    }

    /// How many bytes have been taken.
    #[must_use]
    pub fn received(&self) -> usize {
        match &self.body {
            Collected::Nothing => 0,
            Collected::One(bytes) => bytes.len(),
            Collected::Many(bytes, _) => bytes.len(),
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
            Collected::Many(bytes, states) => {
                let matching = self.judged.matching_states(*states);
                let body = VerifiedBytes::Owned(bytes.freeze());
                return self.judged.conclude(matching, body);
            }
        };
        self.judged.verify(VerifiedBytes::Owned(body))
    }
}

impl fmt::Debug for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("scheme", &self.judged.inner.compiled.scheme.name())
            .field("received", &self.received())
            .finish_non_exhaustive()
    }
}

/// A request whose headers passed.
pub(super) struct Judged<'a> {
    inner: &'a Arc<Inner>,
    parts: &'a Parts,
    now: Timestamp,
    family: usize,
    candidates: Candidates,
    timestamp: Option<Timestamp>,
    signed: Signed<'a>,
    /// The position of the first active key.
    first_key: u32,
}

/// Texts outside the body that are part of the signed content.
#[derive(Clone, Copy, Default)]
struct Signed<'a> {
    timestamp: &'a [u8],
    event_id: &'a [u8],
}

impl Signed<'_> {
    fn pieces(&self, pieces: &[Piece], update: &mut dyn FnMut(&[u8])) {
        for piece in pieces {
            update(match piece {
                Piece::Literal(bytes) => bytes,
                Piece::Timestamp => self.timestamp,
                Piece::EventId => self.event_id,
            });
        }
    }
}

impl<'a> Judged<'a> {
    pub(super) fn new(
        inner: &'a Arc<Inner>,
        parts: &'a Parts,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let compiled = &inner.compiled;
        for (name, value) in &compiled.fixed_headers {
            let line = single_line(&parts.headers, name);
            let as_fixed =
                |line: &HeaderValue| line.as_bytes().eq_ignore_ascii_case(value.as_bytes());
            if !matches!(line, Ok(Some(line)) if as_fixed(line)) {
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
        if let Some((place, rule)) = &compiled.timestamp
            && let Some(text) = compiled.timestamp_text(place, family, parts, signature_value)?
        {
            timestamp = Some(rule.judge(text, now).map_err(not_fresh)?);
            signed.timestamp = text;
        }
        if let Some(delimiter) = &compiled.id_delimiter {
            signed.event_id = compiled.signed_event_id(family, parts, delimiter)?;
        }

        let (first_key, _) = (0_u32..)
            .zip(&inner.keys)
            .find(|(_, key)| key.is_active(now))
            .ok_or_else(|| Rejection::new(RejectionKind::NoActiveSecret))?;
        let judged = Self {
            inner,
            parts,
            now,
            family,
            candidates,
            timestamp,
            signed,
            first_key,
        };
        // No content is signed with a token: nobody need read it to know.
        if compiled.scheme.algorithm == Algorithm::Token && judged.matching(b"").decide().is_none()
        {
            return Err(Rejection::new(RejectionKind::SignatureMismatch));
        }
        Ok(judged)
    }

    /// Decides over a whole body.
    pub(super) fn verify(&self, body: VerifiedBytes<'a>) -> Result<Verified<'a>, Rejection> {
        self.conclude(self.matching(body.as_slice()), body)
    }

    fn matching(&self, body: &[u8]) -> Matching {
        let compiled = &self.inner.compiled;
        let mut matching = Matching::new();
        for (position, key) in self.active_keys() {
            let tag = key.state.tag_of(|update| {
                self.signed.pieces(&compiled.before_body, update);
                update(body);
                self.signed.pieces(&compiled.after_body, update);
            });
            matching.compare(position, &tag, self.candidates.iter());
        }
        matching
    }

    /// The keys that are tried, from the first active one on.
    fn active_keys(&self) -> impl Iterator<Item = (u32, &'a Key)> {
        let now = self.now;
        let first = self.first_key;
        (0_u32..)
            .zip(&self.inner.keys)
            .filter(move |(position, key)| *position >= first && key.is_active(now))
    }

    /// The MACs of all active keys, begun.
    fn states(&self) -> States {
        let mut states = States(
            self.active_keys()
                .map(|(position, key)| (position, key.state.clone()))
                .collect(),
        );
        self.signed
            .pieces(&self.inner.compiled.before_body, &mut |bytes| {
                states.update(bytes);
            });
        states
    }

    fn matching_states(&self, mut states: States) -> Matching {
        self.signed
            .pieces(&self.inner.compiled.after_body, &mut |bytes| {
                states.update(bytes);
            });
        let mut matching = Matching::new();
        for (position, state) in states.0 {
            matching.compare(position, &state.tag(), self.candidates.iter());
        }
        matching
    }

    /// What is left once the tags are compared.
    fn conclude(
        &self,
        matching: Matching,
        body: VerifiedBytes<'a>,
    ) -> Result<Verified<'a>, Rejection> {
        let compiled = &self.inner.compiled;
        let Some((key, tag)) = matching.decide() else {
            return Err(compiled.decorate(Rejection::new(RejectionKind::SignatureMismatch)));
        };
        let mut timestamp = self.timestamp;
        if let Some((TimestampPlace::Pointer(pointer), rule)) = &compiled.timestamp {
            let text = match json::read(body.as_slice(), pointer) {
                Ok(Some(text)) => Ok(text),
                Ok(None) => Err(RejectionKind::MissingTimestamp),
                Err(_) => Err(RejectionKind::MalformedTimestamp),
            };
            let judged = text
                .map_err(Rejection::new)
                .and_then(|text| rule.judge(text.as_bytes(), self.now).map_err(not_fresh));
            timestamp = Some(judged.map_err(|rejection| compiled.decorate(rejection))?);
        }
        Ok(Verified {
            inner: self.inner,
            parts: self.parts,
            family: self.family,
            key,
            tag,
            timestamp,
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
                    let mut buffer = [0; 64];
                    if let Some(out) = buffer.get_mut(..self.tag_len)
                        && self.scheme.encoding.decode_exact(text, out).is_some()
                    {
                        candidates.push(Tag::from_bytes(out));
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

    /// The text of a timestamp that is not in the body.
    fn timestamp_text<'a>(
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

/// Decoded signatures; the first needs no allocation.
#[derive(Default)]
struct Candidates {
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

    fn len(&self) -> usize {
        self.iter().count()
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.first.iter().chain(&self.more)
    }
}

/// One running MAC for each active key, with the key's position.
struct States(Vec<(u32, MacState)>);

impl States {
    fn update(&mut self, bytes: &[u8]) {
        for (_, state) in &mut self.0 {
            state.update(bytes);
        }
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
        event_id(&self.inner.compiled, &self.headers().id, self.body())
    }

    /// The event type, if the request has one. One that comes in a header is
    /// not signed.
    #[must_use]
    pub fn event_type(&self) -> Option<String> {
        event_type(
            &self.inner.compiled.scheme,
            self.headers().event_type,
            self.body(),
        )
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

    pub(crate) fn headers(&self) -> EventHeaders<&HeaderValue> {
        self.inner
            .compiled
            .event_headers(&self.parts.headers, self.family)
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
