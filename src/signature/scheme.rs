use std::borrow::Cow;
use std::time::Duration;

use http::{Method, StatusCode};

use super::encoding::{Encoding, SecretEncoding};
use super::grammar::Grammar;
use super::mac::Hash;
use super::source::Source;
use super::window::TimestampRule;

/// How a provider signs its deliveries, as data.
///
/// A preset in [`provider`](crate::provider) is a value of this type, and a
/// provider of your own is one too. Verifying, signing (feature `testing`) and
/// the documentation's tables are derived from the same value.
///
/// A scheme is checked when a [`Verifier`](crate::Verifier) is built from it,
/// so building one here cannot fail.
///
/// ```
/// use tower_webhook::signature::{Encoding, Grammar, Hash, Part, Scheme, Source, TimestampRule};
///
/// // X-Acme-Signature: t=1700000000,s=<hex HMAC-SHA256 of "t.body">
/// let acme = Scheme::hmac("acme", Hash::Sha256)
///     .with_content([Part::Timestamp, Part::literal("."), Part::Body])
///     .with_signature(Source::header("x-acme-signature"), Grammar::fields(',', "s"))
///     .with_encoding(Encoding::Hex)
///     .with_timestamp(TimestampRule::seconds(Source::field("t")))
///     .with_event_id([Source::pointer("/id")]);
/// # tower_webhook::Verifier::new(acme, "secret").unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    pub(crate) name: Cow<'static, str>,
    pub(crate) reference: Cow<'static, str>,
    pub(crate) methods: Vec<Method>,
    pub(crate) algorithm: Algorithm,
    pub(crate) content: Vec<Part>,
    pub(crate) signatures: Vec<Source>,
    pub(crate) grammar: Grammar,
    pub(crate) encoding: Encoding,
    pub(crate) secret_encoding: SecretEncoding,
    pub(crate) timestamp: Option<TimestampRule>,
    pub(crate) fixed_headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    pub(crate) event_id: Vec<Source>,
    pub(crate) event_id_optional: bool,
    pub(crate) event_type: Vec<Source>,
    pub(crate) conflict: ConflictPolicy,
    pub(crate) reject_status: StatusCode,
    pub(crate) success_status: StatusCode,
    pub(crate) overload_status: StatusCode,
    pub(crate) retry_horizon: Duration,
    pub(crate) max_body: usize,
}

/// What proves that a request is genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// An HMAC (RFC 2104) over the signed content.
    Hmac(Hash),
    /// A shared token, sent along as it is. It proves who sent the request,
    /// not that nobody changed it on the way.
    Token,
}

/// A piece of the signed content. The pieces are joined without separators.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A fixed text.
    Literal(Cow<'static, str>),
    /// The text of the timestamp, exactly as it was sent.
    Timestamp,
    /// The text of the event id header, exactly as it was sent.
    EventId,
    /// The bytes of the body, exactly as they were sent.
    Body,
}

impl Part {
    /// A fixed text.
    #[must_use]
    pub fn literal(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Literal(text.into())
    }
}

/// What it means when an event id comes again with another content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConflictPolicy {
    /// The id alone identifies the event: honest attempts may differ in
    /// content (a counter, a new time).
    #[default]
    Ignore,
    /// The provider sends the same bytes each time: answer 422 and tell the
    /// operator.
    Reject,
}

impl Scheme {
    /// A scheme that signs the body with an HMAC.
    ///
    /// Starts from: POST, content = body, plain hex signatures, secret used as
    /// text, no timestamp, no event id, statuses 200 / 401 / 503.
    #[must_use]
    pub fn hmac(name: impl Into<Cow<'static, str>>, hash: Hash) -> Self {
        Self::new(
            name.into(),
            Algorithm::Hmac(hash),
            vec![Part::Body],
            Encoding::Hex,
        )
    }

    /// A scheme that sends a shared token along.
    #[must_use]
    pub fn token(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name.into(), Algorithm::Token, Vec::new(), Encoding::Text)
    }

    fn new(
        name: Cow<'static, str>,
        algorithm: Algorithm,
        content: Vec<Part>,
        encoding: Encoding,
    ) -> Self {
        Self {
            name,
            reference: Cow::Borrowed(""),
            methods: vec![Method::POST],
            algorithm,
            content,
            signatures: Vec::new(),
            grammar: Grammar::Plain,
            encoding,
            secret_encoding: SecretEncoding::Text,
            timestamp: None,
            fixed_headers: Vec::new(),
            event_id: Vec::new(),
            event_id_optional: false,
            event_type: Vec::new(),
            conflict: ConflictPolicy::Ignore,
            reject_status: StatusCode::UNAUTHORIZED,
            success_status: StatusCode::OK,
            overload_status: StatusCode::SERVICE_UNAVAILABLE,
            retry_horizon: Duration::from_secs(72 * 3600),
            max_body: 1024 * 1024,
        }
    }

    /// Where the provider documents the scheme: a URL.
    #[must_use]
    pub fn with_reference(mut self, url: impl Into<Cow<'static, str>>) -> Self {
        self.reference = url.into();
        self
    }

    /// The methods that deliveries come with (default: POST).
    #[must_use]
    pub fn with_methods(mut self, methods: impl Into<Vec<Method>>) -> Self {
        self.methods = methods.into();
        self
    }

    /// What is signed, in order. Must hold [`Part::Body`] exactly once.
    #[must_use]
    pub fn with_content(mut self, parts: impl Into<Vec<Part>>) -> Self {
        self.content = parts.into();
        self
    }

    /// Where the signature or token is, and how it is written there.
    #[must_use]
    pub fn with_signature(mut self, source: Source, grammar: Grammar) -> Self {
        self.signatures = vec![source];
        self.grammar = grammar;
        self
    }

    /// Another place that may hold a signature as well, as Box's second header
    /// does. A signature in any of the places is enough.
    #[must_use]
    pub fn with_second_signature(mut self, source: Source) -> Self {
        self.signatures.push(source);
        self
    }

    /// How a signature is encoded (default: hex for an HMAC, text for a token).
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// How the secret's text becomes a key (default: its UTF-8 bytes).
    #[must_use]
    pub fn with_secret_encoding(mut self, encoding: SecretEncoding) -> Self {
        self.secret_encoding = encoding;
        self
    }

    /// Where the timestamp is and how old it may be. It must be part of the
    /// signed content, or a value in the body.
    #[must_use]
    pub fn with_timestamp(mut self, rule: TimestampRule) -> Self {
        self.timestamp = Some(rule);
        self
    }

    /// Changes how far a timestamp may be from now, in both directions. Does
    /// nothing for a scheme without a timestamp.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.timestamp = self.timestamp.map(|rule| rule.with_tolerance(tolerance));
        self
    }

    /// A header that must have exactly this value, such as a signature version.
    #[must_use]
    pub fn with_fixed_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.fixed_headers.push((name.into(), value.into()));
        self
    }

    /// Where the event id is: one header, or one or more values of the body
    /// that identify the event together. A request without it is refused with
    /// 400 before it is deduplicated.
    #[must_use]
    pub fn with_event_id(mut self, sources: impl Into<Vec<Source>>) -> Self {
        self.event_id = sources.into();
        self.event_id_optional = false;
        self
    }

    /// Like [`with_event_id`](Self::with_event_id), for providers that send
    /// some deliveries without an id. Those are identified by their content.
    #[must_use]
    pub fn with_optional_event_id(mut self, sources: impl Into<Vec<Source>>) -> Self {
        self.event_id = sources.into();
        self.event_id_optional = true;
        self
    }

    /// Where the event type is: the first of the headers that is there, or else
    /// the first of the values in the body.
    #[must_use]
    pub fn with_event_type(mut self, sources: impl Into<Vec<Source>>) -> Self {
        self.event_type = sources.into();
        self
    }

    /// What it means when an event id comes again with another content.
    #[must_use]
    pub fn with_conflict(mut self, policy: ConflictPolicy) -> Self {
        self.conflict = policy;
        self
    }

    /// The status of every failed verification (default: 401).
    #[must_use]
    pub fn with_reject_status(mut self, status: StatusCode) -> Self {
        self.reject_status = status;
        self
    }

    /// The status that tells the provider that an event was taken (default:
    /// 200), used for duplicates.
    #[must_use]
    pub fn with_success_status(mut self, status: StatusCode) -> Self {
        self.success_status = status;
        self
    }

    /// The status that makes the provider come again later (default: 503).
    #[must_use]
    pub fn with_overload_status(mut self, status: StatusCode) -> Self {
        self.overload_status = status;
        self
    }

    /// How long the provider goes on retrying a delivery (default: three
    /// days). Deduplication should remember events for longer.
    #[must_use]
    pub fn with_retry_horizon(mut self, horizon: Duration) -> Self {
        self.retry_horizon = horizon;
        self
    }

    /// The largest body the provider sends, in bytes (default: 1 MiB).
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

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

    /// Whether the signature covers the event id. Where it does not, anyone
    /// who captured a request could send it again under another id, so
    /// deduplication also remembers what was signed.
    #[must_use]
    pub fn signs_event_id(&self) -> bool {
        let in_body = |source: &Source| matches!(source, Source::Pointer(_));
        match self.algorithm {
            Algorithm::Token => false,
            Algorithm::Hmac(_) => {
                self.content.contains(&Part::EventId)
                    || (!self.event_id.is_empty() && self.event_id.iter().all(in_body))
            }
        }
    }

    /// Whether a delivery without an event id is refused.
    #[must_use]
    pub fn requires_event_id(&self) -> bool {
        !self.event_id.is_empty() && !self.event_id_optional
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
        self.timestamp
            .as_ref()
            .map_or(Duration::ZERO, |rule| rule.past.saturating_add(rule.future))
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

    /// The largest body the provider sends, in bytes.
    #[must_use]
    pub const fn max_body(&self) -> usize {
        self.max_body
    }
}
