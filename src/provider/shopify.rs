use super::HOUR;
use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Shopify: `X-Shopify-Hmac-Sha256: <base64>`, HMAC-SHA256 over the body with
/// the app's client secret. The newer headers without `X-` come first, as in
/// Shopify's own library; a request uses one family of names throughout.
///
/// Signs no timestamp and not the delivery id, so deduplication also remembers
/// what was signed. Eight retries in four hours; each answer must come within
/// five seconds.
#[must_use]
pub fn shopify() -> Scheme {
    Scheme::hmac("shopify", Hash::Sha256)
        .with_reference("https://shopify.dev/docs/apps/build/webhooks/subscribe/https")
        .with_signature(
            Source::headers(["shopify-hmac-sha256", "x-shopify-hmac-sha256"]),
            Grammar::Plain,
        )
        .with_encoding(Encoding::Base64)
        .with_event_id([Source::headers([
            "shopify-webhook-id",
            "x-shopify-webhook-id",
        ])])
        .with_event_type([Source::headers(["shopify-topic", "x-shopify-topic"])])
        .with_retry_horizon(4 * HOUR)
}
