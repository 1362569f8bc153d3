use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::encoding::{Encoding, SecretEncoding};
use super::grammar::Grammar;
use super::handshake::Handshake;
use super::mac::Hash;
use super::protocol::{Protocol, SharedProtocol};
#[cfg(feature = "public-key")]
use super::public_key::PublicKeyAlgorithm;
use super::source::Source;
use super::url::PublicUrl;
use super::window::TimestampRule;

mod algorithm;
mod content;
mod read;

pub use self::algorithm::Algorithm;
pub use self::content::{ConflictPolicy, Coverage, Part, RepeatedNames};

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
    pub(crate) content_identity: bool,
    pub(crate) event_type: Vec<Source>,
    pub(crate) conflict: ConflictPolicy,
    pub(crate) reject_status: StatusCode,
    pub(crate) success_status: StatusCode,
    pub(crate) overload_status: StatusCode,
    pub(crate) retry_horizon: Duration,
    pub(crate) max_body: usize,
    pub(crate) each: Option<Cow<'static, str>>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) protocol: Option<SharedProtocol>,
    pub(crate) handshakes: Vec<Arc<Handshake>>,
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

    /// A scheme that sends a plain hash over the secret and the content along.
    /// Name them with [`with_content`](Self::with_content).
    #[must_use]
    pub fn hash(name: impl Into<Cow<'static, str>>, hash: Hash) -> Self {
        let content = vec![Part::Secret, Part::Body];
        Self::new(name.into(), Algorithm::Hash(hash), content, Encoding::Hex)
    }

    /// A scheme that signs the body with the provider's private key.
    ///
    /// Starts from signatures in base64 and a public key in base64.
    #[cfg(feature = "public-key")]
    #[must_use]
    pub fn public_key(name: impl Into<Cow<'static, str>>, algorithm: PublicKeyAlgorithm) -> Self {
        Self::new(
            name.into(),
            Algorithm::PublicKey(algorithm),
            vec![Part::Body],
            Encoding::Base64,
        )
        .with_secret_encoding(SecretEncoding::Base64 { prefix: "".into() })
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
            content_identity: true,
            event_type: Vec::new(),
            conflict: ConflictPolicy::Ignore,
            reject_status: StatusCode::UNAUTHORIZED,
            success_status: StatusCode::OK,
            overload_status: StatusCode::SERVICE_UNAVAILABLE,
            retry_horizon: Duration::from_secs(72 * 3600),
            max_body: 1024 * 1024,
            each: None,
            public_url: None,
            protocol: None,
            handshakes: Vec::new(),
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

    /// What is signed, in order. [`Part::Body`] may stand in it once; without
    /// it, what the body holds is not protected.
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

    /// Every item of the JSON array at `pointer` is signed by itself, as Adyen
    /// does, and all must be genuine. Pointers of the signature and of the
    /// signed content lead into an item; those of the event id and type do not.
    #[must_use]
    pub fn with_each(mut self, pointer: impl Into<Cow<'static, str>>) -> Self {
        self.each = Some(pointer.into());
        self
    }

    /// The URL that the provider sends to, for a scheme that signs it.
    #[must_use]
    pub fn with_public_url(mut self, url: PublicUrl) -> Self {
        self.public_url = Some(url);
        self
    }

    /// What is signed is found by code instead of by
    /// [`with_content`](Self::with_content) and
    /// [`with_signature`](Self::with_signature).
    #[must_use]
    pub fn with_protocol(mut self, protocol: Arc<dyn Protocol>) -> Self {
        self.protocol = Some(SharedProtocol(protocol));
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

    /// Different events of this provider can be the same bytes, as Dropbox's
    /// are: content does not tell a retry from a new event. A delivery without
    /// an event id is then never deduplicated; every one reaches the handler,
    /// also a replay, and the handler has to bear that.
    ///
    /// Not for schemes with an id that is not signed: their replays are known
    /// by their content alone.
    #[must_use]
    pub fn without_content_identity(mut self) -> Self {
        self.content_identity = false;
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

    /// A challenge that the provider sends; there may be several.
    #[must_use]
    pub fn with_handshake(mut self, handshake: Handshake) -> Self {
        self.handshakes.push(Arc::new(handshake));
        self
    }

    /// The largest body the provider sends, in bytes (default: 1 MiB).
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}
