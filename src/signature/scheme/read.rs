//! What a scheme says of itself.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{Algorithm, ConflictPolicy, Coverage, Part, Scheme};
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Encoding, Grammar, Handshake, Protocol, PublicUrl, Source, TimestampRule};

impl Scheme {
    /// The scheme's name, in snake case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the provider documents the scheme; empty if not stated.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The methods that deliveries come with.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// What proves that a request is genuine.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What is signed, in order.
    #[must_use]
    pub fn content(&self) -> &[Part] {
        &self.content
    }

    /// Where the signature or token is: any of these places is enough.
    #[must_use]
    pub fn signatures(&self) -> &[Source] {
        &self.signatures
    }

    /// The URL that the provider sends to, where it is configured.
    #[must_use]
    pub const fn public_url(&self) -> Option<&PublicUrl> {
        self.public_url.as_ref()
    }

    /// The URL that the provider sends to, for those who need one.
    pub(crate) fn signed_url(&self) -> Result<&PublicUrl, Rejection> {
        let unknown = || Rejection::new(RejectionKind::PublicUrlUnknown);
        self.public_url.as_ref().ok_or_else(unknown)
    }

    /// The JSON array whose items are signed one by one.
    #[must_use]
    pub fn each(&self) -> Option<&str> {
        self.each.as_deref()
    }

    /// The code that finds what is signed, for schemes that are not data.
    #[must_use]
    pub fn protocol(&self) -> Option<&dyn Protocol> {
        self.protocol.as_ref().map(|shared| &*shared.0)
    }

    /// How a signature is written in its header.
    #[must_use]
    pub const fn grammar(&self) -> &Grammar {
        &self.grammar
    }

    /// How a signature is encoded.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The timestamp rule, if the scheme has one.
    #[must_use]
    pub const fn timestamp(&self) -> Option<&TimestampRule> {
        self.timestamp.as_ref()
    }

    /// Where the event id is; empty if the provider sends none.
    #[must_use]
    pub fn event_id(&self) -> &[Source] {
        &self.event_id
    }

    /// Where the event type is.
    #[must_use]
    pub fn event_type(&self) -> &[Source] {
        &self.event_type
    }

    /// How much of a request the signature covers.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        match &self.protocol {
            Some(protocol) => protocol.0.coverage(),
            None if self.algorithm == Algorithm::Token => Coverage::Nothing,
            None if self.content.contains(&Part::Body) => Coverage::Body,
            None if self
                .content
                .iter()
                .any(|part| matches!(part, Part::SortedForm { .. } | Part::BodyDigest(_))) =>
            {
                Coverage::Body
            }
            None => Coverage::Values,
        }
    }

    /// Whether the value at `at` is one of those that are signed.
    fn signs_value(&self, at: &str) -> bool {
        let in_item = match &self.each {
            Some(each) => at
                .strip_prefix(each.as_ref())
                .and_then(|rest| rest.strip_prefix("/*")),
            None => Some(at),
        };
        let mut parts = self.content.iter();
        parts.any(
            |part| matches!(part, Part::Value { pointer, .. } if Some(pointer.as_ref()) == in_item),
        )
    }

    /// Whether the signature covers the event id. Where it does not, anyone
    /// who captured a request could send it again under another id, so
    /// deduplication also remembers what was signed.
    #[must_use]
    pub fn signs_event_id(&self) -> bool {
        let is_signed = |source: &Source| match source {
            Source::Pointer(at) => match self.coverage() {
                Coverage::Body => true,
                Coverage::Values => self.signs_value(at),
                Coverage::Nothing => false,
            },
            Source::Form(_) => self.coverage() == Coverage::Body,
            _ => self.content.contains(&Part::EventId),
        };
        !self.event_id.is_empty() && self.event_id.iter().all(is_signed)
    }

    /// Whether someone who captured a request could send it again under another
    /// id. Not so for a token: whoever captured that can send what they like.
    pub(crate) fn has_replaceable_id(&self) -> bool {
        self.coverage() != Coverage::Nothing && !self.event_id.is_empty() && !self.signs_event_id()
    }

    /// Whether a delivery without an event id is refused.
    #[must_use]
    pub fn requires_event_id(&self) -> bool {
        !self.event_id.is_empty() && !self.event_id_optional
    }

    /// Whether a delivery without an event id is known by its content: two with
    /// the same are one event. If not, none of them is deduplicated.
    #[must_use]
    pub const fn has_content_identity(&self) -> bool {
        self.content_identity
    }

    /// What it means when an event id comes again with another content.
    #[must_use]
    pub const fn conflict(&self) -> ConflictPolicy {
        self.conflict
    }

    /// For how long a captured request would still be fresh: the tolerances
    /// of the timestamp, or zero without one.
    #[must_use]
    pub fn freshness_window(&self) -> Duration {
        if let Some(protocol) = &self.protocol {
            return protocol.0.freshness_window();
        }
        self.timestamp
            .as_ref()
            .map_or(Duration::ZERO, TimestampRule::window)
    }

    /// The status of every failed verification.
    #[must_use]
    pub const fn reject_status(&self) -> StatusCode {
        self.reject_status
    }

    /// The status that tells the provider that an event was taken.
    #[must_use]
    pub const fn success_status(&self) -> StatusCode {
        self.success_status
    }

    /// The status that makes the provider come again later.
    #[must_use]
    pub const fn overload_status(&self) -> StatusCode {
        self.overload_status
    }

    /// How long the provider goes on retrying a delivery.
    #[must_use]
    pub const fn retry_horizon(&self) -> Duration {
        self.retry_horizon
    }

    /// The challenges that the provider sends.
    pub fn handshakes(&self) -> impl Iterator<Item = &Handshake> {
        self.handshakes.iter().map(|handshake| &**handshake)
    }

    /// The largest body the provider sends, in bytes.
    #[must_use]
    pub const fn max_body(&self) -> usize {
        self.max_body
    }
}
