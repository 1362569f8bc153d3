use super::DAY;
use crate::signature::{Grammar, Hash, Scheme, Source};

/// Razorpay: `X-Razorpay-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// Signs no timestamp and not the event id, so deduplication also remembers
/// what was signed. Retries for a day, signed with the secret of the day the
/// event was made: keep the old one for as long.
#[doc = example!("razorpay", "key_secret", r#"{"event":"payment.authorized"}"#)]
#[must_use]
pub fn razorpay() -> Scheme {
    Scheme::hmac("razorpay", Hash::Sha256)
        .with_reference("https://razorpay.com/docs/webhooks/validate-test/")
        .with_signature(Source::header("x-razorpay-signature"), Grammar::Plain)
        .with_event_id([Source::header("x-razorpay-event-id")])
        .with_event_type([Source::pointer("/event")])
        .with_retry_horizon(DAY)
}
