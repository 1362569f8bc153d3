use std::borrow::Cow;

use super::DAY;
use crate::signature::{
    ConflictPolicy, Encoding, Grammar, Hash, Part, Scheme, SecretEncoding, Source, TimestampRule,
};

/// Standard Webhooks 1.0, symmetric: `webhook-signature: v1,<base64> …`,
/// HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`.
///
/// The secret is `whsec_` and base64, and is decoded. Other versions in the
/// header, such as `v1a`, are skipped. The id is signed and stays the same
/// over retries, and so do the bytes: the same id with another body is
/// refused with 422. The specification's sample schedule retries for 75 hours.
#[must_use]
pub fn standard_webhooks() -> Scheme {
    standard(
        "standard_webhooks",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
}

/// The scheme under the header names of one provider.
pub(super) fn standard(
    name: impl Into<Cow<'static, str>>,
    id: Source,
    timestamp: Source,
    signature: Source,
) -> Scheme {
    Scheme::hmac(name, Hash::Sha256)
        .with_reference(
            "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
        )
        .with_content([
            Part::EventId,
            Part::literal("."),
            Part::Timestamp,
            Part::literal("."),
            Part::Body,
        ])
        .with_signature(signature, Grammar::versioned("v1"))
        .with_encoding(Encoding::Base64)
        .with_secret_encoding(SecretEncoding::Base64 {
            prefix: "whsec_".into(),
        })
        .with_timestamp(TimestampRule::seconds(timestamp))
        .with_event_id([id])
        .with_event_type([Source::pointer("/type")])
        .with_conflict(ConflictPolicy::Reject)
        .with_retry_horizon(4 * DAY)
}
