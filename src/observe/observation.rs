use std::borrow::Cow;
use std::fmt;

use crate::dedup::Duplicate;
use crate::rejection::Rejection;

/// What the guard would have done with a request.
///
/// Given to [`ObserveLayer::with_report`](super::ObserveLayer::with_report),
/// and in the extensions of the response if it was known when the inner
/// service answered. It holds no secret, no signature, no id and no part of
/// the body.
#[derive(Clone, Debug)]
pub struct Observation {
    provider: Cow<'static, str>,
    verdict: Verdict,
}

/// What would have become of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// The handler would have been called, and its answer sent.
    Accepted,
    /// The event had been processed before: it would have been acknowledged,
    /// and the handler not called.
    Duplicate(Duplicate),
    /// It is a challenge of the provider's: it would have been answered, and the
    /// handler not called. No secret was captured, and no subscription
    /// confirmed.
    Challenge,
    /// It would have been refused; also for a while, because the same event
    /// is being processed
    /// ([`InFlight`](crate::RejectionKind::InFlight)) or a limit is reached.
    Refused(Rejection),
}

impl Observation {
    pub(super) const fn new(provider: Cow<'static, str>, verdict: Verdict) -> Self {
        Self { provider, verdict }
    }

    /// The name of the scheme that the guard verifies, such as `stripe`.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// What would have become of the request.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Whether the handler would have been called.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self.verdict, Verdict::Accepted)
    }

    /// Why it would have been refused, if it would.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        match &self.verdict {
            Verdict::Refused(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// A stable name for logs and metric labels: `accepted`, `duplicate`,
    /// `challenge`, or that of the [`RejectionKind`](crate::RejectionKind).
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match &self.verdict {
            Verdict::Accepted => "accepted",
            Verdict::Duplicate(_) => "duplicate",
            Verdict::Challenge => "challenge",
            Verdict::Refused(rejection) => rejection.kind().as_str(),
        }
    }
}

/// A sentence for the operator.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Accepted => write!(f, "{}: would be accepted", self.provider),
            Verdict::Duplicate(_) => {
                write!(f, "{}: would be acknowledged as a duplicate", self.provider)
            }
            Verdict::Challenge => {
                write!(f, "{}: would be answered as a challenge", self.provider)
            }
            // Names the provider itself.
            Verdict::Refused(rejection) => write!(f, "would be refused: {rejection}"),
        }
    }
}
