use super::HOUR;
use crate::signature::{Grammar, Hash, Scheme, Source};

/// Meta (Facebook, Instagram, WhatsApp, Messenger):
/// `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 over the body with the app
/// secret.
///
/// The older `X-Hub-Signature` (SHA-1) is not read. Signs no timestamp and
/// sends no delivery id: a delivery is a batch that is known by what was
/// signed; the ids of the messages inside are the application's to check.
/// Retries for 36 hours.
#[must_use]
pub fn meta() -> Scheme {
    Scheme::hmac("meta", Hash::Sha256)
        .with_reference("https://developers.facebook.com/docs/graph-api/webhooks/getting-started")
        .with_signature(
            Source::header("x-hub-signature-256"),
            Grammar::prefixed("sha256="),
        )
        .with_event_type([Source::pointer("/object")])
        .with_retry_horizon(36 * HOUR)
}
