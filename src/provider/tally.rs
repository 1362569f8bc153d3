use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Tally: `Tally-Signature: <base64>`, HMAC-SHA256 over the body.
///
/// Sent only if the webhook has a signing secret. Tally's samples sign parsed
/// and re-serialised JSON, which fails for some bodies; the bytes that were
/// sent always verify. Signs no timestamp. Answers are due within ten seconds.
#[doc = example!("tally", "signing-secret", r#"{"eventId":"a4cb511e","eventType":"FORM_RESPONSE"}"#)]
#[must_use]
pub fn tally() -> Scheme {
    Scheme::hmac("tally", Hash::Sha256)
        .with_reference("https://tally.so/help/webhooks")
        .with_signature(Source::header("tally-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_event_id([Source::pointer("/eventId")])
        .with_event_type([Source::pointer("/eventType")])
}
