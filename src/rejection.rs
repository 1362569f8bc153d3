//! Why a request was refused, and what its sender is told.
//!
//! A refused request gets a response, never a `Service` error. The sender
//! learns a status; the operator finds a [`Rejection`] with the whole reason
//! in the extensions of that response, and, with feature `tracing`, in an
//! event. Every failed verification looks the same from outside.
//!
//! ```
//! use http::{Response, StatusCode};
//! use tower_webhook::rejection::{Rejection, RejectionResponse};
//!
//! // A closure can replace the answer:
//! let teapot = |rejection: &Rejection| {
//!     let mut response = Response::new(String::from("no"));
//!     *response.status_mut() = rejection.status();
//!     response
//! };
//! # fn assert<B>(_: impl RejectionResponse<B>) {}
//! # assert::<String>(teapot);
//! ```

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::telemetry;

/// Which check refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    // In front of verification.
    /// The request's method is not one the provider delivers with.
    MethodNotAllowed,
    /// The request did not come over HTTPS, as far as can be proved.
    InsecureTransport,
    /// The caller's address could not be established.
    AddressUnknown,
    /// The caller's address is not on the allowlist.
    AddressNotAllowed,
    /// The caller, or the tenant, is over its rate.
    RateLimited,

    // Verification, from the headers alone.
    /// The signature (or token) header is absent.
    MissingSignature,
    /// The signature header came more than once.
    RepeatedSignatureHeader,
    /// The signature header holds no signature that can be read.
    MalformedSignature,
    /// The signature header lists more signatures than are tried (16).
    TooManySignatures,
    /// A header that the scheme fixes has another value, such as an unknown
    /// signature version or algorithm.
    UnexpectedHeader,
    /// A header (or field) that is part of the signed content is absent.
    MissingSignedValue,
    /// A signed value holds characters that would make the signed content
    /// ambiguous, or is repeated.
    MalformedSignedValue,
    /// The timestamp is absent.
    MissingTimestamp,
    /// The timestamp cannot be read, or there are several.
    MalformedTimestamp,
    /// The timestamp is older than the tolerance.
    TimestampTooOld,
    /// The timestamp is further in the future than the tolerance.
    TimestampInFuture,
    /// Every configured secret has expired.
    NoActiveSecret,

    // The body.
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body did not arrive within the deadline.
    BodyTimeout,
    /// The body ended early or could not be read.
    BodyUnreadable,
    /// Too many bodies are arriving slowly at the same time.
    TooManySlowBodies,

    /// No signature matches any secret.
    SignatureMismatch,

    // Deduplication.
    /// The provider always sends an event id, and there is none.
    MissingEventId,
    /// The event id is empty, too long, repeated, or holds control characters.
    InvalidEventId,
    /// The same event is being processed right now.
    InFlight,
    /// The event id was seen before with another content.
    EventConflict,
    /// The store of seen events does not answer.
    StoreUnavailable,
    /// The store of seen events is full.
    StoreFull,
    /// The handler panicked.
    HandlerPanicked,
}

impl RejectionKind {
    /// Whether the request failed to prove that it is genuine and fresh.
    ///
    /// All of these get the same answer, and they are what a caller's failure
    /// quota is charged for.
    #[must_use]
    pub const fn is_verification_failure(self) -> bool {
        matches!(
            self,
            Self::MissingSignature
                | Self::RepeatedSignatureHeader
                | Self::MalformedSignature
                | Self::TooManySignatures
                | Self::UnexpectedHeader
                | Self::MissingSignedValue
                | Self::MalformedSignedValue
                | Self::MissingTimestamp
                | Self::MalformedTimestamp
                | Self::TimestampTooOld
                | Self::TimestampInFuture
                | Self::NoActiveSecret
                | Self::SignatureMismatch
        )
    }

    /// The status that is answered unless the scheme states another.
    #[must_use]
    pub const fn default_status(self) -> StatusCode {
        match self {
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InsecureTransport | Self::AddressUnknown | Self::AddressNotAllowed => {
                StatusCode::FORBIDDEN
            }
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyUnreadable | Self::MissingEventId | Self::InvalidEventId => {
                StatusCode::BAD_REQUEST
            }
            Self::TooManySlowBodies | Self::InFlight | Self::StoreUnavailable | Self::StoreFull => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::EventConflict => StatusCode::UNPROCESSABLE_ENTITY,
            Self::HandlerPanicked => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// A stable name in snake case, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InsecureTransport => "insecure_transport",
            Self::AddressUnknown => "address_unknown",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::RateLimited => "rate_limited",
            Self::MissingSignature => "missing_signature",
            Self::RepeatedSignatureHeader => "repeated_signature_header",
            Self::MalformedSignature => "malformed_signature",
            Self::TooManySignatures => "too_many_signatures",
            Self::UnexpectedHeader => "unexpected_header",
            Self::MissingSignedValue => "missing_signed_value",
            Self::MalformedSignedValue => "malformed_signed_value",
            Self::MissingTimestamp => "missing_timestamp",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::NoActiveSecret => "no_active_secret",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyUnreadable => "body_unreadable",
            Self::TooManySlowBodies => "too_many_slow_bodies",
            Self::SignatureMismatch => "signature_mismatch",
            Self::MissingEventId => "missing_event_id",
            Self::InvalidEventId => "invalid_event_id",
            Self::InFlight => "in_flight",
            Self::EventConflict => "event_conflict",
            Self::StoreUnavailable => "store_unavailable",
            Self::StoreFull => "store_full",
            Self::HandlerPanicked => "handler_panicked",
        }
    }

    /// One sentence for the operator.
    const fn sentence(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "the method is not one the provider delivers with",
            Self::InsecureTransport => "the request is not known to have come over HTTPS",
            Self::AddressUnknown => "the caller's address could not be established",
            Self::AddressNotAllowed => "the caller's address is not on the allowlist",
            Self::RateLimited => "the rate limit is exceeded",
            Self::MissingSignature => "the signature header is missing",
            Self::RepeatedSignatureHeader => "the signature header came more than once",
            Self::MalformedSignature => "the signature header holds no readable signature",
            Self::TooManySignatures => "the signature header lists too many signatures",
            Self::UnexpectedHeader => "a header that the scheme fixes has another value",
            Self::MissingSignedValue => "a value that is part of the signed content is missing",
            Self::MalformedSignedValue => "a signed value is malformed or repeated",
            Self::MissingTimestamp => "the timestamp is missing",
            Self::MalformedTimestamp => "the timestamp cannot be read",
            Self::TimestampTooOld => "the timestamp is too old",
            Self::TimestampInFuture => "the timestamp is in the future",
            Self::NoActiveSecret => "every configured secret has expired",
            Self::BodyTooLarge => "the body is larger than the limit",
            Self::BodyTimeout => "the body did not arrive within the deadline",
            Self::BodyUnreadable => "the body ended early or could not be read",
            Self::TooManySlowBodies => "too many bodies are arriving slowly at once",
            Self::SignatureMismatch => "no signature matches any configured secret",
            Self::MissingEventId => "the event id is missing",
            Self::InvalidEventId => "the event id is not usable",
            Self::InFlight => "the event is being processed by an earlier delivery",
            Self::EventConflict => "the event id was seen before with another content",
            Self::StoreUnavailable => "the store of seen events does not answer",
            Self::StoreFull => "the store of seen events is full",
            Self::HandlerPanicked => "the handler panicked",
        }
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused request: which check refused it, and what the operator should know.
///
/// Layers put it into the extensions of the response, where logging and
/// metrics layers outside find it. It never holds a secret, a signature or a
/// part of the body.
#[derive(Clone, Debug)]
pub struct Rejection {
    kind: RejectionKind,
    status: StatusCode,
    provider: Option<Cow<'static, str>>,
    detail: Option<Cow<'static, str>>,
    skew_seconds: Option<i64>,
    retry_after: Option<Duration>,
}

impl Rejection {
    pub(crate) fn new(kind: RejectionKind) -> Self {
        Self {
            kind,
            status: kind.default_status(),
            provider: None,
            detail: None,
            skew_seconds: None,
            retry_after: None,
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn with_provider(mut self, provider: Cow<'static, str>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// `detail` must come from the configuration, never from the request.
    pub(crate) fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_skew_seconds(mut self, skew: i64) -> Self {
        self.skew_seconds = Some(skew);
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Which check refused the request.
    #[must_use]
    pub const fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The status the sender is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The name of the scheme the request was checked against, once it got
    /// that far.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// What the check was about, such as the name of a missing header.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Our time minus the sender's timestamp, in seconds, where the timestamp
    /// was the reason.
    #[must_use]
    pub const fn skew_seconds(&self) -> Option<i64> {
        self.skew_seconds
    }

    /// How long the sender should wait, where waiting helps.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Tells the operator, builds the answer with `responder` and leaves `self` in its extensions.
    ///
    /// `Retry-After` (whole seconds, at least 1, RFC 9110 section 10.2.3) is
    /// set here, so that no replacement of the answer can forget it.
    pub(crate) fn into_response<B>(self, responder: &impl RejectionResponse<B>) -> Response<B> {
        telemetry::rejected(&self);
        let mut response = responder.respond(&self);
        if let Some(after) = self.retry_after {
            response
                .headers_mut()
                .entry(RETRY_AFTER)
                .or_insert_with(|| HeaderValue::from(whole_seconds(after)));
        }
        if self.kind == RejectionKind::MethodNotAllowed
            && let Some(Ok(methods)) = self.detail().map(HeaderValue::from_str)
        {
            response.headers_mut().entry(ALLOW).or_insert(methods);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Whole seconds, rounded up, at least one.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    let rounded_up = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(rounded_up).max(1)
}

/// A sentence for the operator, not for the sender.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(provider) = &self.provider {
            write!(f, "{provider}: ")?;
        }
        f.write_str(self.kind.sentence())?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        if let Some(skew) = self.skew_seconds {
            write!(f, " (skew {skew} s)")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}

/// Turns a [`Rejection`] into the response the sender gets.
///
/// Implemented by [`DefaultRejectionResponse`], [`ProblemDetails`] and every
/// `Fn(&Rejection) -> Response<ResBody>`. An implementation should answer all
/// verification failures alike: a difference tells an attacker which check
/// failed.
pub trait RejectionResponse<ResBody> {
    /// The response for `rejection`, usually with its
    /// [`status`](Rejection::status).
    fn respond(&self, rejection: &Rejection) -> Response<ResBody>;
}

impl<F, ResBody> RejectionResponse<ResBody> for F
where
    F: Fn(&Rejection) -> Response<ResBody>,
{
    fn respond(&self, rejection: &Rejection) -> Response<ResBody> {
        self(rejection)
    }
}

/// How a layer in front of verification refuses: such a layer knows no scheme,
/// but may guard the endpoint of one.
#[derive(Clone, Debug)]
pub(crate) struct Refusals<R> {
    responder: R,
    provider: Option<Cow<'static, str>>,
}

impl<R> Refusals<R> {
    pub(crate) const fn new(responder: R) -> Self {
        Self {
            responder,
            provider: None,
        }
    }

    pub(crate) fn for_provider(mut self, provider: Cow<'static, str>) -> Self {
        self.provider = Some(provider);
        self
    }

    pub(crate) fn answer<B>(&self, rejection: Rejection) -> Response<B>
    where
        R: RejectionResponse<B>,
    {
        let rejection = match &self.provider {
            Some(provider) => rejection.with_provider(provider.clone()),
            None => rejection,
        };
        rejection.into_response(&self.responder)
    }
}

/// The rejection's status with an empty body.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DefaultRejectionResponse;

impl<ResBody: Default> RejectionResponse<ResBody> for DefaultRejectionResponse {
    fn respond(&self, rejection: &Rejection) -> Response<ResBody> {
        let mut response = Response::new(ResBody::default());
        *response.status_mut() = rejection.status();
        response
    }
}

/// The rejection's status with an RFC 9457 problem document that names the
/// status and nothing else: `{"type":"about:blank","title":"Unauthorized","status":401}`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemDetails;

impl<ResBody: From<String>> RejectionResponse<ResBody> for ProblemDetails {
    fn respond(&self, rejection: &Rejection) -> Response<ResBody> {
        let status = rejection.status();
        let title = status.canonical_reason().unwrap_or("Error");
        let code = status.as_u16();
        let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{code}}}"#);
        let mut response = Response::new(ResBody::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verification_failures_are_indistinguishable() {
        let responder = ProblemDetails;
        let kinds = [
            RejectionKind::MissingSignature,
            RejectionKind::SignatureMismatch,
            RejectionKind::TimestampTooOld,
            RejectionKind::NoActiveSecret,
        ];
        let answers: Vec<_> = kinds
            .iter()
            .map(|kind| {
                assert!(kind.is_verification_failure());
                let response: Response<String> = Rejection::new(*kind)
                    .with_detail("inner detail")
                    .into_response(&responder);
                (
                    response.status(),
                    response.headers().clone(),
                    response.into_body(),
                )
            })
            .collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(!answers[0].2.contains("detail"));
    }

    #[test]
    fn retry_after_is_rounded_up_and_at_least_one_second() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
            let response: Response<String> = Rejection::new(RejectionKind::InFlight)
                .with_retry_after(Duration::from_millis(millis))
                .into_response(&DefaultRejectionResponse);
            assert_eq!(response.headers()[RETRY_AFTER], seconds);
        }
    }

    #[test]
    fn the_rejection_rides_in_the_extensions() {
        let response: Response<String> = Rejection::new(RejectionKind::SignatureMismatch)
            .into_response(&DefaultRejectionResponse);
        let found = response
            .extensions()
            .get::<Rejection>()
            .map(Rejection::kind);
        assert_eq!(found, Some(RejectionKind::SignatureMismatch));
    }
}
