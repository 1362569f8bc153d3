use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Typeform: `Typeform-Signature: sha256=<base64>`, HMAC-SHA256 over the body.
///
/// Base64 and not hex follows the prefix that others use for hex. Sent only if
/// the webhook has a secret. Signs no timestamp.
#[doc = example!("typeform", "secret", r#"{"event_id":"LtWXD3crgy","event_type":"form_response"}"#)]
#[must_use]
pub fn typeform() -> Scheme {
    Scheme::hmac("typeform", Hash::Sha256)
        .with_reference("https://www.typeform.com/developers/webhooks/secure-your-webhooks/")
        .with_signature(
            Source::header("typeform-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_encoding(Encoding::Base64)
        .with_event_id([Source::pointer("/event_id")])
        .with_event_type([Source::pointer("/event_type")])
}
