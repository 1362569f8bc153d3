use super::DAY;
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Customer.io reporting webhooks: `X-CIO-Signature: <hex>`, HMAC-SHA256 over
/// `v0:{X-CIO-Timestamp}:{body}`.
///
/// The secret is the webhook's signing key, as text. The event is known by its
/// `event_id`. Retries for seven days, with an answer due in four seconds;
/// Customer.io sends no later event before the one that fails is taken or given
/// up, so a refusal holds up all that follow. Webhooks that a campaign sends are
/// signed with a key that Customer.io does not hand out.
#[doc = example!("customer_io", "755781b5e03a973f3405a85474d5a032a60fd56f", r#"{"event_id":"01E","metric":"sent"}"#)]
#[must_use]
pub fn customer_io() -> Scheme {
    Scheme::hmac("customer_io", Hash::Sha256)
        .with_reference("https://docs.customer.io/integrations/api/webhooks")
        .with_content([
            Part::literal("v0:"),
            Part::Timestamp,
            Part::literal(":"),
            Part::Body,
        ])
        .with_signature(Source::header("x-cio-signature"), Grammar::Plain)
        .with_timestamp(TimestampRule::seconds(Source::header("x-cio-timestamp")))
        .with_optional_event_id([Source::pointer("/event_id")])
        .with_event_type([Source::pointer("/metric")])
        .with_retry_horizon(7 * DAY)
}
