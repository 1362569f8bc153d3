use crate::signature::{Grammar, Hash, Scheme, Source};

/// Ashby: `Ashby-Signature: sha256=<hex>`, HMAC-SHA256 over the body.
///
/// Sent only if the webhook has a secret token. Signs no timestamp; deliveries
/// are known by their body. A webhook that answers its first delivery, a ping,
/// with an error is switched off.
#[doc = example!("ashby", "8b943c474f5d1e1712f13e1a870b485c9b6b2b57", r#"{"action":"ping"}"#)]
#[must_use]
pub fn ashby() -> Scheme {
    Scheme::hmac("ashby", Hash::Sha256)
        .with_reference("https://developers.ashbyhq.com/docs/authenticating-webhooks")
        .with_signature(
            Source::header("ashby-signature"),
            Grammar::prefixed("sha256="),
        )
}
