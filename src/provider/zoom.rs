use super::HOUR;
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Zoom: `x-zm-signature: v0=<hex>`, HMAC-SHA256 over
/// `v0:{x-zm-request-timestamp}:{body}`.
///
/// Sends no event id; events are known by what was signed, timestamp included.
/// Zoom wants 200 or 204 within three seconds and retries for an hour and a
/// half.
#[must_use]
pub fn zoom() -> Scheme {
    Scheme::hmac("zoom", Hash::Sha256)
        .with_reference("https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events")
        .with_content([
            Part::literal("v0:"),
            Part::Timestamp,
            Part::literal(":"),
            Part::Body,
        ])
        .with_signature(Source::header("x-zm-signature"), Grammar::prefixed("v0="))
        .with_timestamp(TimestampRule::seconds(Source::header(
            "x-zm-request-timestamp",
        )))
        .with_event_type([Source::pointer("/event")])
        .with_retry_horizon(2 * HOUR)
}
