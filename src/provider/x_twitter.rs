use http::Method;

use crate::signature::{Encoding, Grammar, Handshake, Hash, Reply, ReplyValue, Scheme, Source};

/// X (Twitter): `x-twitter-webhooks-signature: sha256=<base64>`, HMAC-SHA256
/// over the body with the app's consumer secret.
///
/// Base64 and not hex follows the prefix that others use for hex. Signs no
/// timestamp and sends no event id: a delivery holds the events of one account
/// and is known by what was signed. Answers are due within ten seconds.
///
/// X checks every hour that the endpoint knows the secret: it asks for the MAC
/// of a `crc_token`, under the secret and in the form of its own signatures, and
/// does not sign the question. So anybody can have tokens signed, and send one
/// as a body: take no delivery for an event that is not a JSON object.
#[doc = example!("x_twitter", "consumer-secret", r#"{"for_user_id":"1","tweet_create_events":[]}"#)]
#[must_use]
pub fn x_twitter() -> Scheme {
    Scheme::hmac("x_twitter", Hash::Sha256)
        .with_reference("https://docs.x.com/x-api/webhooks/introduction")
        .with_signature(
            Source::header("x-twitter-webhooks-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_encoding(Encoding::Base64)
        .with_handshake(
            Handshake::unsigned(Method::GET)
                .when(Source::query("crc_token"))
                .with_reply(Reply::json([(
                    "response_token",
                    ReplyValue::mac(Source::query("crc_token"), Encoding::Base64)
                        .with_prefix("sha256="),
                )])),
        )
}
