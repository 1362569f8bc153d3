use super::DAY;
use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Recall.ai: Standard Webhooks under the header names `webhook-*`, or `svix-*`
/// for status webhooks of older workspaces.
///
/// The secret is the workspace's verification secret, which has to be created
/// first; without it Recall.ai signs nothing. In workspaces made before
/// 15 December 2025 the endpoints of status webhooks have secrets of their own:
/// give both. The names of one request all come from one family. Retries for
/// about 28 hours.
#[doc = example!("recall_ai", "whsec_bHljaGVlIGphcmRpbiBkJ2hpdmVy", r#"{"event":"bot.done"}"#)]
#[must_use]
pub fn recall_ai() -> Scheme {
    standard(
        "recall_ai",
        Source::headers(["webhook-id", "svix-id"]),
        Source::headers(["webhook-timestamp", "svix-timestamp"]),
        Source::headers(["webhook-signature", "svix-signature"]),
    )
    .with_reference("https://docs.recall.ai/docs/authenticating-requests-from-recallai")
    .with_event_type([Source::pointer("/event")])
    .with_retry_horizon(2 * DAY)
}
