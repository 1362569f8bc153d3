use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// LINE Messaging API: `x-line-signature: <base64>`, HMAC-SHA256 over the body.
///
/// The secret is the channel secret, as text. Signs no timestamp. A delivery
/// holds several events and is known by the ids of all of them: when it is sent
/// again, `deliveryContext.isRedelivery` in it has changed. It may also hold
/// none, when somebody presses "Verify" in the console.
#[doc = example!("line", "8c570fa6dd201bb328f1c1eac23a96d8", r#"{"destination":"U1","events":[{"webhookEventId":"01G17EJCGAVV66J5WNA7ZCTF6H"}]}"#)]
#[must_use]
pub fn line() -> Scheme {
    Scheme::hmac("line", Hash::Sha256)
        .with_reference(
            "https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/",
        )
        .with_signature(Source::header("x-line-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_optional_event_id([Source::pointer("/events/*/webhookEventId")])
}
