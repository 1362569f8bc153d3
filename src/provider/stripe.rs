use super::DAY;
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 over
/// `{t}.{body}`.
///
/// The secret is the `whsec_…` text as the dashboard shows it; it is not
/// decoded. During a rotation the header lists one `v1` for each active
/// secret; `v0` is a test-mode scheme and never counts. Stripe re-signs each
/// attempt, and `pending_webhooks` in the body changes between them, so the
/// event is known by its `id` alone. Retries for three days.
#[doc = example!("stripe", "whsec_9f8e7d", r#"{"id":"evt_1","type":"invoice.paid"}"#)]
#[must_use]
pub fn stripe() -> Scheme {
    Scheme::hmac("stripe", Hash::Sha256)
        .with_reference("https://docs.stripe.com/webhooks#verify-manually")
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("stripe-signature"),
            Grammar::fields(',', "v1"),
        )
        .with_timestamp(TimestampRule::seconds(Source::field("t")))
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
        .with_retry_horizon(3 * DAY)
}
