use std::sync::Arc;

use http::HeaderValue;
use http::request::Parts;

use super::compiled::{Piece, SignaturePlace, TimestampPlace, single_line};
use super::headers::Candidates;
use super::json;
use super::key::Key;
use super::mac::{MacState, Matching, Tag};
use super::scheme::Algorithm;
use super::verified::{Verified, VerifiedBytes};
use super::verifier::Inner;
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};

/// A request whose headers passed.
pub(super) struct Judged<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) parts: &'a Parts,
    pub(super) now: Timestamp,
    family: usize,
    candidates: Candidates,
    /// The signatures in the headers, where the whole body must be there;
    /// `None` if they are in the body.
    pub(super) listed: Option<Vec<Vec<u8>>>,
    timestamp: Option<Timestamp>,
    pub(super) signed: Signed<'a>,
}

/// Texts outside the body that are part of the signed content.
#[derive(Clone, Copy, Default)]
pub(super) struct Signed<'a> {
    pub(super) timestamp: &'a [u8],
    pub(super) event_id: &'a [u8],
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
        if let Some(protocol) = &compiled.scheme.protocol {
            protocol.0.precheck(parts, now)?;
        }
        let mut candidates = Candidates::default();
        let mut listed = Vec::new();
        // All of them, also those that cannot be read.
        let mut count = 0;
        let mut signature_value: &[u8] = &[];
        let mut present = false;
        for place in &compiled.signatures {
            compiled.signature_values(place, family, parts, |value| {
                present = true;
                signature_value = value;
                match compiled.whole {
                    false => compiled.collect(value, &mut count, &mut candidates),
                    true => compiled
                        .listed(value, &mut count, &mut listed)
                        .ok_or_else(|| Rejection::new(RejectionKind::TooManySignatures)),
                }
            })?;
        }
        let in_body = compiled.scheme.protocol.is_some()
            || compiled.signatures.iter().any(SignaturePlace::is_in_body);
        if !in_body {
            if !present {
                return Err(compiled.missing_signature());
            }
            if candidates.is_empty() && listed.is_empty() {
                return Err(Rejection::new(RejectionKind::MalformedSignature));
            }
        }

        let mut signed = Signed::default();
        let mut timestamp = None;
        if let Some((place, rule)) = &compiled.timestamp
            && let Some(text) = compiled.timestamp_text(place, family, parts, signature_value)?
        {
            timestamp = Some(rule.check(text, now)?);
            signed.timestamp = text;
        }
        if let Some(end) = &compiled.id_end {
            signed.event_id = compiled.signed_event_id(family, parts, end)?;
        }

        let judged = Self {
            inner,
            parts,
            now,
            family,
            candidates,
            listed: (!in_body).then_some(listed),
            timestamp,
            signed,
        };
        if !inner.keys_follow && judged.active_keys().next().is_none() {
            return Err(Rejection::new(RejectionKind::NoActiveSecret));
        }
        if compiled.whole && compiled.scheme.protocol.is_none() {
            judged.precheck()?;
        }
        // No content is signed with a token: nobody need read it to know.
        if compiled.scheme.algorithm == Algorithm::Token
            && !compiled.whole
            && !inner.keys_follow
            && judged.matching(b"").decide().is_none()
        {
            return Err(Rejection::new(RejectionKind::SignatureMismatch));
        }
        Ok(judged)
    }

    /// A request that is about to be signed.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn unjudged(
        inner: &'a Arc<Inner>,
        parts: &'a Parts,
        now: Timestamp,
        signed: Signed<'a>,
    ) -> Self {
        Self {
            inner,
            parts,
            now,
            family: 0,
            candidates: Candidates::default(),
            listed: None,
            timestamp: None,
            signed,
        }
    }

    /// Decides over a whole body.
    pub(super) fn verify(&self, body: VerifiedBytes<'a>) -> Result<Verified<'a>, Rejection> {
        if self.inner.compiled.whole {
            return self.verify_whole(body);
        }
        self.conclude(self.matching(body.as_slice()), body)
    }

    /// Whether the body can be hashed while it arrives.
    pub(super) fn streams(&self) -> bool {
        !self.inner.compiled.whole && !self.inner.keys_follow
    }

    fn verify_whole(&self, body: VerifiedBytes<'a>) -> Result<Verified<'a>, Rejection> {
        let compiled = &self.inner.compiled;
        let proved = self
            .prove(body.as_slice())
            .map_err(|rejection| compiled.decorate(rejection))?;
        let verified = self.verified(proved.key, proved.tag, body)?;
        Ok(Verified {
            timestamp: verified.timestamp.or(proved.timestamp),
            ..verified
        })
    }

    fn matching(&self, body: &[u8]) -> Matching {
        let compiled = &self.inner.compiled;
        let mut matching = Matching::new();
        for (position, key) in self.active_keys() {
            let Some(state) = key.mac() else { continue };
            let tag = state.tag_of(|update| {
                self.signed.pieces(&compiled.before_body, update);
                update(body);
                self.signed.pieces(&compiled.after_body, update);
            });
            matching.compare(position, &tag, self.candidates.iter());
        }
        matching
    }

    /// The keys that are tried, with their positions.
    pub(super) fn active_keys(&self) -> impl Iterator<Item = (u32, &'a Key)> {
        let now = self.now;
        (0_u32..)
            .zip(&self.inner.keys)
            .filter(move |(_, key)| key.is_active(now))
    }

    /// The MACs of all active keys, begun.
    pub(super) fn states(&self) -> States {
        let mut states = States(
            self.active_keys()
                .filter_map(|(position, key)| Some((position, key.mac()?.clone())))
                .collect(),
        );
        self.signed
            .pieces(&self.inner.compiled.before_body, &mut |bytes| {
                states.update(bytes);
            });
        states
    }

    pub(super) fn matching_states(&self, mut states: States) -> Matching {
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
    pub(super) fn conclude(
        &self,
        matching: Matching,
        body: VerifiedBytes<'a>,
    ) -> Result<Verified<'a>, Rejection> {
        let compiled = &self.inner.compiled;
        let Some((key, tag)) = matching.decide() else {
            return Err(compiled.decorate(Rejection::new(RejectionKind::SignatureMismatch)));
        };
        self.verified(key, tag, body)
    }

    /// What is left once the signature is known to be genuine.
    fn verified(
        &self,
        key: u32,
        tag: Tag,
        body: VerifiedBytes<'a>,
    ) -> Result<Verified<'a>, Rejection> {
        let compiled = &self.inner.compiled;
        let mut timestamp = self.timestamp;
        if let Some((TimestampPlace::Pointer(pointer), rule)) = &compiled.timestamp {
            let text = match json::read(body.as_slice(), pointer) {
                Ok(Some(text)) => Ok(text),
                Ok(None) => Err(RejectionKind::MissingTimestamp),
                Err(_) => Err(RejectionKind::MalformedTimestamp),
            };
            let judged = text
                .map_err(Rejection::new)
                .and_then(|text| rule.check(text.as_bytes(), self.now));
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

/// One running MAC for each active key, with the key's position.
pub(super) struct States(Vec<(u32, MacState)>);

impl States {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        for (_, state) in &mut self.0 {
            state.update(bytes);
        }
    }
}
