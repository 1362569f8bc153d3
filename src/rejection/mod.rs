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

mod kind;
mod response;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

pub(crate) use self::response::Refusals;
pub use self::{
    kind::RejectionKind,
    response::{DefaultRejectionResponse, ProblemDetails, RejectionResponse},
};
use crate::telemetry;

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
