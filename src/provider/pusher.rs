use crate::signature::{Grammar, Hash, Scheme, Source};

/// Pusher Channels: `X-Pusher-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// The secret is that of the app key which `X-Pusher-Key` names. The header is
/// not signed and is not read: give the secrets of all active keys. Pusher's
/// Python library refuses a body whose `time_ms` is more than five minutes off;
/// that a retry has a new one is not documented, so this preset does not read
/// it. A delivery holds several events without ids, so deliveries are known by
/// their body.
#[doc = example!("pusher", "7ad3773142a6692b25b8", r#"{"time_ms":1700000000000,"events":[]}"#)]
#[must_use]
pub fn pusher() -> Scheme {
    Scheme::hmac("pusher", Hash::Sha256)
        .with_reference("https://pusher.com/docs/channels/server_api/webhooks/")
        .with_signature(Source::header("x-pusher-signature"), Grammar::Plain)
}
