use super::standard_webhooks::standard;
use crate::signature::{Scheme, SecretEncoding, Source};

/// Polar: Standard Webhooks, with the headers of
/// [`standard_webhooks`](super::standard_webhooks), but the secret is used as
/// the text that it is.
///
/// Polar's own libraries encode the secret as base64 for a library that then
/// decodes it; the key is the text's bytes.
#[doc = example!("polar", "polar_whs_kZ4dOq", r#"{"type":"order.paid"}"#)]
#[must_use]
pub fn polar() -> Scheme {
    standard(
        "polar",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference("https://polar.sh/docs/integrate/webhooks/delivery")
    .with_secret_encoding(SecretEncoding::Text)
}
