use super::MINUTE;
use crate::signature::{Encoding, Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Sanity: `sanity-webhook-signature: t=<milliseconds>,v1=<base64url>`,
/// HMAC-SHA256 over `{t}.{body}`.
///
/// Base64 with the URL-safe alphabet and without padding. Sanity's own library
/// checks no tolerance, and nothing published says that a retry is signed anew;
/// this preset allows 45 minutes, and [`Scheme::with_tolerance`] changes that.
/// `idempotency-key` is not signed, so deduplication also remembers what was
/// signed.
#[doc = example!("sanity", "secret", r#"{"_id":"resume"}"#)]
#[must_use]
pub fn sanity() -> Scheme {
    Scheme::hmac("sanity", Hash::Sha256)
        .with_reference("https://www.sanity.io/docs/content-lake/webhook-best-practices")
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("sanity-webhook-signature"),
            Grammar::fields(',', "v1"),
        )
        .with_encoding(Encoding::Base64Url)
        .with_timestamp(TimestampRule::millis(Source::field("t")).with_tolerance(45 * MINUTE))
        .with_optional_event_id([Source::header("idempotency-key")])
        .with_event_type([Source::header("sanity-operation")])
}
