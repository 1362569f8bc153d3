//! What a genuine delivery is refused with.

use std::time::Duration;

use crate::delivery::Delivery;
use crate::rejection::{Rejection, RejectionKind};
use crate::store::StoreError;

/// The longest `Retry-After` for an event that is being processed.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(30);
/// `Retry-After` where a store, a sink or a database cannot take an event.
pub(crate) const STORE_WAIT: Duration = Duration::from_secs(10);

pub(crate) fn refusal(kind: RejectionKind, delivery: &Delivery) -> Rejection {
    Rejection::new(kind).with_provider(delivery.scheme().name.clone())
}

/// For what the sender is to try again: the scheme's status for that, and
/// `Retry-After`.
pub(crate) fn overload(kind: RejectionKind, delivery: &Delivery) -> Rejection {
    overload_for(kind, STORE_WAIT, delivery)
}

/// For an event whose lease holds for `remaining`.
pub(crate) fn busy(remaining: Duration, delivery: &Delivery) -> Rejection {
    overload_for(
        RejectionKind::InFlight,
        remaining.min(MAX_BUSY_WAIT),
        delivery,
    )
}

pub(crate) const fn kind_of(failure: &StoreError) -> RejectionKind {
    match failure {
        StoreError::Full => RejectionKind::StoreFull,
        StoreError::Unavailable(_) => RejectionKind::StoreUnavailable,
    }
}

fn overload_for(kind: RejectionKind, wait: Duration, delivery: &Delivery) -> Rejection {
    refusal(kind, delivery)
        .with_status(delivery.scheme().overload_status())
        .with_retry_after(wait)
}
