use super::HOUR;
use crate::signature::{Grammar, Hash, Scheme, Source};

/// Lemon Squeezy: `X-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// Signs no timestamp and sends no event id (`data.id` is the resource's,
/// which has many events), so deliveries are known by what was signed.
/// `X-Event-Name` is a copy of `meta.event_name` that is not signed and is not
/// read. Anything but 200 is retried, three times within minutes.
#[doc = example!("lemon_squeezy", "secret", r#"{"meta":{"event_name":"order_created"},"data":{"id":"1"}}"#)]
#[must_use]
pub fn lemon_squeezy() -> Scheme {
    Scheme::hmac("lemon_squeezy", Hash::Sha256)
        .with_reference("https://docs.lemonsqueezy.com/help/webhooks/signing-requests")
        .with_signature(Source::header("x-signature"), Grammar::Plain)
        .with_event_type([Source::pointer("/meta/event_name")])
        .with_retry_horizon(HOUR)
}
