use super::{DAY, MINUTE};
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Calendly: `Calendly-Webhook-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256
/// over `{t}.{body}`.
///
/// The secret is the webhook signing key, used as text. Three minutes of
/// tolerance, as in Calendly's own sample; that sample signs parsed and
/// re-serialised JSON, where the bytes that were sent are meant. Sends no event
/// id; events are known by what was signed, timestamp included. Retries for a
/// day, then disables the webhook; connections must be accepted in ten seconds
/// and answered in fifteen.
#[doc = example!("calendly", "5mEzn9C-I28UtwOjZJtFoob0sAAFZ95GbZkqj4y3i0I", r#"{"event":"invitee.created"}"#)]
#[must_use]
pub fn calendly() -> Scheme {
    Scheme::hmac("calendly", Hash::Sha256)
        .with_reference(
            "https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures",
        )
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("calendly-webhook-signature"),
            Grammar::fields(',', "v1"),
        )
        .with_timestamp(TimestampRule::seconds(Source::field("t")).with_tolerance(3 * MINUTE))
        .with_event_type([Source::pointer("/event")])
        .with_retry_horizon(DAY)
}
