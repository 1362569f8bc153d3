use http::Method;

use super::HOUR;
use crate::signature::{Grammar, Handshake, Hash, Reply, ReplyValue, Scheme, Source};

/// Meta (Facebook, Instagram, WhatsApp, Messenger):
/// `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 over the body with the app
/// secret.
///
/// The older `X-Hub-Signature` (SHA-1) is not read. Signs no timestamp and
/// sends no delivery id: a delivery is a batch that is known by what was
/// signed; the ids of the messages inside are the application's to check.
/// Retries for 36 hours.
///
/// Registration is confirmed by a GET with `hub.challenge`, which is answered
/// once the verify token of the form is configured.
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
        .with_handshake(
            Handshake::unsigned(Method::GET)
                .when_equals(Source::query("hub.mode"), "subscribe")
                .with_verify_token(Source::query("hub.verify_token"))
                .with_reply(Reply::text(ReplyValue::echo(Source::query(
                    "hub.challenge",
                )))),
        )
}
