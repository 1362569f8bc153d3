use super::DAY;
use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// OpenAI: `webhook-signature: v1,<base64> …`, HMAC-SHA256 over
/// `{webhook-id}.{webhook-timestamp}.{body}`, as
/// [`standard_webhooks`](super::standard_webhooks) describes.
///
/// A `whsec_…` secret, which is decoded. OpenAI's own library takes more: a
/// secret without that prefix as text, and signatures without their version.
/// Retries for three days.
#[doc = example!("openai", "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=", r#"{"id":"evt_1","type":"response.completed"}"#)]
#[must_use]
pub fn openai() -> Scheme {
    standard(
        "openai",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference("https://platform.openai.com/docs/guides/webhooks")
    .with_retry_horizon(3 * DAY)
}
