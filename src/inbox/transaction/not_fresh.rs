use std::fmt;
use std::time::Duration;

use http::{Response, StatusCode};

use crate::Delivery;
use crate::dedup::{Duplicate, STORE_WAIT, busy, kind_of, overload, refusal};
use crate::rejection::{DefaultRejectionResponse, Rejection, RejectionKind};
use crate::store::{Claimed, StoreError};
use crate::telemetry;

/// Why an event is not to be processed now, and what its sender is answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotFresh {
    /// Its effects are committed. Answers with the scheme's success status
    /// (200), empty.
    Duplicate {
        /// What is known of them.
        duplicate: Duplicate,
        /// The scheme's success status.
        status: StatusCode,
    },
    /// Another transaction is processing it, or a layer over the same table
    /// holds a lease. Answers with the scheme's overload status (503) and
    /// `Retry-After`.
    Busy(Rejection),
    /// Its id is known with another content, where the scheme forbids that.
    /// Answers 422.
    Conflict(Rejection),
    /// Its id is missing where the provider always sends one, or cannot be
    /// used. Answers 400.
    Invalid(Rejection),
    /// The database did not answer, or answered with an error. Answers with the
    /// scheme's overload status (503) and `Retry-After`.
    Unavailable(Rejection, StoreError),
}

impl NotFresh {
    /// The answer to the sender, empty. What is in the extensions is what the
    /// layers of this crate put there: a [`Rejection`] or a [`Duplicate`].
    ///
    /// With feature `axum`, this is an `IntoResponse`: return it from a
    /// handler.
    #[must_use]
    pub fn response<B: Default>(self) -> Response<B> {
        match self {
            Self::Duplicate { duplicate, status } => {
                let mut response = Response::new(B::default());
                *response.status_mut() = status;
                response.extensions_mut().insert(duplicate);
                response
            }
            Self::Busy(rejection)
            | Self::Conflict(rejection)
            | Self::Invalid(rejection)
            | Self::Unavailable(rejection, _) => rejection.into_response(&DefaultRejectionResponse),
        }
    }

    /// For an answer other than won.
    pub(super) fn of_claim(claimed: Claimed, delivery: &Delivery) -> Self {
        match claimed {
            Claimed::Duplicate {
                status, attempt, ..
            } => {
                telemetry::duplicate(delivery.provider(), attempt);
                Self::Duplicate {
                    duplicate: Duplicate { status, attempt },
                    status: delivery.scheme().success_status(),
                }
            }
            Claimed::Conflict { .. } => {
                Self::Conflict(refusal(RejectionKind::EventConflict, delivery))
            }
            Claimed::Busy { remaining, .. } => Self::Busy(busy(remaining, delivery)),
            Claimed::Won { .. } => Self::Busy(busy(Duration::ZERO, delivery)),
        }
    }

    pub(super) fn invalid(kind: RejectionKind, delivery: &Delivery) -> Self {
        Self::Invalid(refusal(kind, delivery))
    }

    pub(super) fn unavailable(cause: StoreError, delivery: &Delivery) -> Self {
        telemetry::failed(
            delivery.provider(),
            "a webhook could not be recorded",
            &cause,
        );
        Self::Unavailable(overload(kind_of(&cause), delivery), cause)
    }
}

/// For the handler's own statements and its commit: 503 and `Retry-After`, so
/// that the provider comes again.
impl From<sqlx::Error> for NotFresh {
    fn from(error: sqlx::Error) -> Self {
        let cause = crate::store::postgres::steps::unavailable(error);
        telemetry::failed("", "the transaction of a webhook failed", &cause);
        let rejection = Rejection::new(kind_of(&cause)).with_retry_after(STORE_WAIT);
        Self::Unavailable(rejection, cause)
    }
}

/// A sentence for the operator, not for the sender.
impl fmt::Display for NotFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { .. } => f.write_str("the event was processed before"),
            Self::Busy(rejection)
            | Self::Conflict(rejection)
            | Self::Invalid(rejection)
            | Self::Unavailable(rejection, _) => rejection.fmt(f),
        }
    }
}

impl std::error::Error for NotFresh {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(_, cause) => Some(cause),
            _ => None,
        }
    }
}
