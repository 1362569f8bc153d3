use super::DAY;
use crate::signature::{Grammar, Hash, Scheme, Source};

/// GitHub: `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 over the body.
///
/// The older `X-Hub-Signature` (SHA-1) is not read. Signs no timestamp and not
/// the delivery id, so deduplication also remembers what was signed. GitHub
/// does not retry by itself; a delivery can be sent again by hand for three
/// days and keeps its id. Bodies may be up to 25 MB.
#[doc = example!("github", "It's a Secret to Everybody", "Hello, World!")]
#[must_use]
pub fn github() -> Scheme {
    Scheme::hmac("github", Hash::Sha256)
        .with_reference(
            "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
        )
        .with_signature(
            Source::header("x-hub-signature-256"),
            Grammar::prefixed("sha256="),
        )
        .with_event_id([Source::header("x-github-delivery")])
        .with_event_type([Source::header("x-github-event")])
        .with_retry_horizon(3 * DAY)
        .with_max_body(25 * 1024 * 1024)
}
