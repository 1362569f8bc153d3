use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Replicate: Standard Webhooks, with the headers of
/// [`standard_webhooks`](super::standard_webhooks) and a `whsec_…` secret.
///
/// Replicate's own library checks no timestamp; here it may be five minutes
/// old. The body is the prediction: its `id` is the same for all that happens
/// to it, and is not the event's.
#[doc = example!("replicate", "whsec_bHljaGVlIGphcmRpbiBkJ2hpdmVy", r#"{"id":"p1","status":"succeeded"}"#)]
#[must_use]
pub fn replicate() -> Scheme {
    standard(
        "replicate",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference("https://replicate.com/docs/topics/webhooks/verify-webhook")
    .with_event_type([Source::pointer("/status")])
}
