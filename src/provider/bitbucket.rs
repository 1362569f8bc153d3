use super::DAY;
use crate::signature::{Grammar, Hash, Scheme, Source};

/// Bitbucket Cloud and Data Center: `X-Hub-Signature: sha256=<hex>`,
/// HMAC-SHA256 over the body.
///
/// The header has the name that others use for SHA-1; only `sha256=` is read.
/// `X-Request-UUID` names the delivery (`X-Hook-UUID` names the hook) and is
/// not signed, so deduplication also remembers what was signed.
#[must_use]
pub fn bitbucket() -> Scheme {
    Scheme::hmac("bitbucket", Hash::Sha256)
        .with_reference("https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/")
        .with_signature(
            Source::header("x-hub-signature"),
            Grammar::prefixed("sha256="),
        )
        // Data Center calls it X-Request-Id.
        .with_optional_event_id([Source::header("x-request-uuid")])
        .with_event_type([Source::header("x-event-key")])
        .with_retry_horizon(DAY)
}
