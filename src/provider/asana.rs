use http::Method;

use super::DAY;
use crate::signature::{Grammar, Handshake, Hash, Reply, Scheme, Source};

/// Asana: `X-Hook-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// The secret is the `X-Hook-Secret` of the request that Asana sends while the
/// webhook is being created; it comes once, and is different for each webhook.
/// A delivery is a batch of events without ids and is known by what was
/// signed; an empty batch is a heartbeat. Asana waits ten seconds, retries for
/// a day, and deletes a webhook that succeeded with nothing for as long.
///
/// That first request is answered once a
/// [`SecretCapture`](crate::handshake::SecretCapture) took the secret.
#[doc = example!("asana", "b537207f20cbfa02357cf448134da559", r#"{"events":[{"action":"changed"}]}"#)]
#[must_use]
pub fn asana() -> Scheme {
    Scheme::hmac("asana", Hash::Sha256)
        .with_reference("https://developers.asana.com/docs/webhooks-guide")
        .with_signature(Source::header("x-hook-signature"), Grammar::Plain)
        .with_retry_horizon(DAY)
        .with_handshake(
            Handshake::unsigned(Method::POST)
                .when(Source::header("x-hook-secret"))
                .with_capture(Source::header("x-hook-secret"))
                .with_reply(Reply::header("x-hook-secret")),
        )
}
