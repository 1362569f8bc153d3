use crate::signature::{Grammar, Hash, Scheme, Source};

/// Intercom: `X-Hub-Signature: sha1=<hex>`, HMAC-SHA1 over the body with the
/// app's client secret.
///
/// SHA-1 is all that Intercom offers; as an HMAC it is not known to be
/// forgeable. `id` names the notification, whose `delivery_attempts` counts,
/// so retries have another body; where it is missing or `null`, as in a
/// `ping`, deliveries are known by what was signed. Signs no timestamp.
#[doc = example!("intercom", "client-secret", r#"{"id":"notif_78c122d0","topic":"user.created"}"#)]
#[must_use]
pub fn intercom() -> Scheme {
    Scheme::hmac("intercom", Hash::Sha1)
        .with_reference("https://developers.intercom.com/docs/webhooks/webhook-notifications")
        .with_signature(
            Source::header("x-hub-signature"),
            Grammar::prefixed("sha1="),
        )
        .with_optional_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/topic")])
}
