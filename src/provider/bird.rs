use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Bird (endpoints `whk_…` of the Bird API): Standard Webhooks, with the
/// headers of [`standard_webhooks`](super::standard_webhooks) and a `whsec_…`
/// secret.
///
/// Bird's own libraries verify with those of Standard Webhooks. The older
/// products sign otherwise and are not accepted: MessageBird with a JWT in
/// `MessageBird-Signature-JWT`, Bird's notifications API over URL and body in
/// `MessageBird-Signature`.
#[doc = example!("bird", "whsec_bHljaGVlIGphcmRpbiBkJ2hpdmVy", r#"{"type":"email.delivered"}"#)]
#[must_use]
pub fn bird() -> Scheme {
    standard(
        "bird",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference("https://github.com/messagebird/bird-sdk-typescript")
}
