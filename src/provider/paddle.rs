use super::DAY;
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Paddle Billing: `Paddle-Signature: ts=<seconds>;h1=<hex>`, HMAC-SHA256 over
/// `{ts}:{body}`.
///
/// Paddle's own libraries allow five seconds, which a queue or a clock can use
/// up; this preset allows the usual five minutes, and
/// [`Scheme::with_tolerance`] goes back. `event_id` stays the same over the
/// retries of three days. Several `h1` come during a rotation.
#[must_use]
pub fn paddle() -> Scheme {
    Scheme::hmac("paddle", Hash::Sha256)
        .with_reference("https://developer.paddle.com/webhooks/signature-verification")
        .with_content([Part::Timestamp, Part::literal(":"), Part::Body])
        .with_signature(
            Source::header("paddle-signature"),
            Grammar::fields(';', "h1"),
        )
        .with_timestamp(TimestampRule::seconds(Source::field("ts")))
        .with_event_id([Source::pointer("/event_id")])
        .with_event_type([Source::pointer("/event_type")])
        .with_retry_horizon(3 * DAY)
}
