use super::HOUR;
use crate::signature::{Grammar, Hash, Scheme, Source, TimestampRule};

/// Linear: `Linear-Signature: <hex>`, HMAC-SHA256 over the body, with the
/// timestamp in the body (`webhookTimestamp`, milliseconds).
///
/// The `Linear-Timestamp` header is a copy that is not signed and is not read.
/// Linear's own library allows one minute. `Linear-Delivery` is not signed, so
/// deduplication also remembers what was signed. Three retries within seven
/// hours.
#[must_use]
pub fn linear() -> Scheme {
    Scheme::hmac("linear", Hash::Sha256)
        .with_reference("https://linear.app/developers/webhooks")
        .with_signature(Source::header("linear-signature"), Grammar::Plain)
        .with_timestamp(
            TimestampRule::millis(Source::pointer("/webhookTimestamp"))
                .with_tolerance(super::MINUTE),
        )
        .with_event_id([Source::header("linear-delivery")])
        .with_event_type([Source::header("linear-event"), Source::pointer("/type")])
        .with_retry_horizon(8 * HOUR)
}
