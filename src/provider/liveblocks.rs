use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Liveblocks: Standard Webhooks, with the headers of
/// [`standard_webhooks`](super::standard_webhooks) and a `whsec_…` secret.
///
/// Liveblocks' own library takes the signatures of every version in the header
/// for HMAC-SHA256; here only `v1` counts.
#[doc = example!("liveblocks", "whsec_wPbvQ+u3VtN2e2tRPDKchQ1tBZ3svaHL", r#"{"type":"roomCreated"}"#)]
#[must_use]
pub fn liveblocks() -> Scheme {
    standard(
        "liveblocks",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference("https://liveblocks.io/docs/platform/webhooks")
}
