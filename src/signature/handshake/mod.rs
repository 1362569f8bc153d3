//! The challenges with which providers test an endpoint, as data.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use http::{Method, StatusCode};

use super::source::Source;

mod answer;
mod ask;
mod check;
mod reply;

pub(crate) use self::answer::{Answer, InvalidChallenge};
pub(crate) use self::ask::Asked;
pub(super) use self::check::check;
pub use self::reply::{Reply, ReplyValue};

/// A challenge that a provider sends when an endpoint is registered, and what
/// it wants to hear. Part of a [`Scheme`](super::Scheme), and answered by
/// [`HandshakeLayer`](crate::handshake::HandshakeLayer).
///
/// A request is the challenge if it has the method and every condition
/// (`when`, `when_equals` and so on) holds. It is refused if it is, and what
/// must be read from it cannot be.
///
/// A query parameter is decoded (`%2F`, and `+` for a space) before it is
/// compared or sent back.
///
/// ```
/// use http::Method;
/// use tower_webhook::signature::{Handshake, Reply, ReplyValue, Source};
///
/// // Slack's: a signed POST of {"type":"url_verification","challenge":"…"}
/// let slack = Handshake::signed(Method::POST)
///     .when_equals(Source::pointer("/type"), "url_verification")
///     .with_reply(Reply::text(ReplyValue::echo(Source::pointer("/challenge"))));
/// # assert!(slack.is_signed());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    method: Method,
    signed: bool,
    conditions: Vec<Condition>,
    verify_token: Option<Source>,
    capture: Option<Source>,
    confirmation: bool,
    reply: Reply,
    status: StatusCode,
}

/// What must hold of a request for it to be a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Present(Source),
    Equals(Source, Cow<'static, str>),
    Absent(Source),
    Digits(Source),
    Hex(Source, RangeInclusive<usize>),
    Alone(Source),
}

impl Condition {
    const fn source(&self) -> &Source {
        match self {
            Self::Present(source)
            | Self::Equals(source, _)
            | Self::Absent(source)
            | Self::Digits(source)
            | Self::Hex(source, _)
            | Self::Alone(source) => source,
        }
    }
}

impl Handshake {
    /// A challenge that comes without a signature and is answered in front of
    /// verification: anybody may send it.
    ///
    /// One that comes with the method of deliveries is a challenge only as long
    /// as no signature comes with it.
    #[must_use]
    pub fn unsigned(method: Method) -> Self {
        Self::new(method, false)
    }

    /// A challenge that is signed as deliveries are, and answered once it is
    /// verified.
    #[must_use]
    pub fn signed(method: Method) -> Self {
        Self::new(method, true)
    }

    /// The `OPTIONS` request of CloudEvents' HTTP web hooks (section 4), which
    /// asks whether an origin may send. Answered only for origins that are
    /// configured.
    #[must_use]
    pub fn cloud_events() -> Self {
        Self::unsigned(Method::OPTIONS)
            .when(Source::header(REQUEST_ORIGIN))
            .with_reply(Reply::AllowedOrigin)
    }

    fn new(method: Method, signed: bool) -> Self {
        Self {
            method,
            signed,
            conditions: Vec::new(),
            verify_token: None,
            capture: None,
            confirmation: false,
            reply: Reply::Empty,
            status: StatusCode::OK,
        }
    }

    /// Only if there is a value at `source`.
    #[must_use]
    pub fn when(self, source: Source) -> Self {
        self.with_condition(Condition::Present(source))
    }

    /// Only if the value at `source` is this one.
    #[must_use]
    pub fn when_equals(self, source: Source, value: impl Into<Cow<'static, str>>) -> Self {
        self.with_condition(Condition::Equals(source, value.into()))
    }

    /// Only if there is no value at `source`.
    #[must_use]
    pub fn when_absent(self, source: Source) -> Self {
        self.with_condition(Condition::Absent(source))
    }

    /// Only if the value at `source` is made of decimal digits.
    #[must_use]
    pub fn when_digits(self, source: Source) -> Self {
        self.with_condition(Condition::Digits(source))
    }

    /// Only if the value at `source` is made of hexadecimal digits in lower case,
    /// of which there are as many as `length` allows.
    #[must_use]
    pub fn when_hex(self, source: Source, length: RangeInclusive<usize>) -> Self {
        self.with_condition(Condition::Hex(source, length))
    }

    /// Only if the body holds the value at `source` and no other: a JSON object
    /// of one key, a form of one field.
    #[must_use]
    pub fn when_alone(self, source: Source) -> Self {
        self.with_condition(Condition::Alone(source))
    }

    fn with_condition(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Refuses the challenge unless the value at `source` is the token that was
    /// typed into the provider's form. Inactive until one is
    /// [configured](crate::WebhookLayer::with_verify_token).
    #[must_use]
    pub fn with_verify_token(mut self, source: Source) -> Self {
        self.verify_token = Some(source);
        self
    }

    /// The value at `source` is the secret that deliveries will be signed with.
    /// Answered once a [`SecretCapture`](crate::handshake::SecretCapture) took
    /// it, and inactive until one is configured.
    #[must_use]
    pub fn with_capture(mut self, source: Source) -> Self {
        self.capture = Some(source);
        self
    }

    /// The answer alone is not enough: something must be done, such as a
    /// request to a URL in the message. Answered once a
    /// [`ConfirmSubscription`](crate::handshake::ConfirmSubscription) did it,
    /// and inactive until one is configured.
    #[must_use]
    pub const fn with_confirmation(mut self) -> Self {
        self.confirmation = true;
        self
    }

    /// What is answered (default: an empty body).
    #[must_use]
    pub fn with_reply(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    /// The status of the answer (default: 200).
    #[must_use]
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The method that the challenge comes with.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// What is answered.
    #[must_use]
    pub const fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Whether the challenge is answered behind verification.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signed
    }

    /// Whether it waits for a token to be configured.
    #[must_use]
    pub const fn needs_verify_token(&self) -> bool {
        self.verify_token.is_some()
    }

    /// Whether it waits for somebody who takes its secret.
    #[must_use]
    pub const fn needs_capture(&self) -> bool {
        self.capture.is_some()
    }

    /// Whether it waits for somebody who confirms it.
    #[must_use]
    pub const fn needs_confirmation(&self) -> bool {
        self.confirmation
    }

    /// Whether it waits for origins to be configured.
    #[must_use]
    pub fn needs_origins(&self) -> bool {
        self.reply == Reply::AllowedOrigin
    }

    pub(crate) fn needs_key(&self) -> bool {
        self.reply
            .values()
            .any(|value| matches!(value, ReplyValue::Mac { .. }))
    }
}

const REQUEST_ORIGIN: &str = "webhook-request-origin";
