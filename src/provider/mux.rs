use super::DAY;
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Mux: `Mux-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 over `{t}.{body}`.
///
/// The secret is used as text. Five minutes of tolerance as in Mux's own
/// libraries, which do not look into the future; this preset does. The body
/// lists its `attempts`, so the event is known by its `id` alone. Mux waits
/// five seconds and retries for a day.
#[doc = example!("mux", "secret", r#"{"id":"3a56ac3d","type":"video.asset.ready"}"#)]
#[must_use]
pub fn mux() -> Scheme {
    Scheme::hmac("mux", Hash::Sha256)
        .with_reference("https://www.mux.com/docs/core/verify-webhook-signatures")
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(Source::header("mux-signature"), Grammar::fields(',', "v1"))
        .with_timestamp(TimestampRule::seconds(Source::field("t")))
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
        .with_retry_horizon(DAY)
}
