use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// LINE Messaging API: `x-line-signature: <base64>`, HMAC-SHA256 over the body.
///
/// The secret is the channel secret, as text. Signs no timestamp. A delivery
/// holds several events, each with an id of its own, so deliveries are known by
/// their body.
#[doc = example!("line", "8c570fa6dd201bb328f1c1eac23a96d8", r#"{"destination":"U1","events":[]}"#)]
#[must_use]
pub fn line() -> Scheme {
    Scheme::hmac("line", Hash::Sha256)
        .with_reference(
            "https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/",
        )
        .with_signature(Source::header("x-line-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
}
