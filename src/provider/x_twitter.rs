use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// X (Twitter): `x-twitter-webhooks-signature: sha256=<base64>`, HMAC-SHA256
/// over the body with the app's consumer secret.
///
/// Base64 and not hex follows the prefix that others use for hex. Signs no
/// timestamp and sends no event id: a delivery holds the events of one account
/// and is known by what was signed. Answers are due within ten seconds.
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
}
