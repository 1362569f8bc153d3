use crate::signature::{Grammar, Hash, Scheme, SecretEncoding, Source};

/// Airtable: `X-Airtable-Content-MAC: hmac-sha256=<hex>`, HMAC-SHA256 over the
/// body.
///
/// The secret is `macSecretBase64` from the answer that created the webhook,
/// and is decoded. Some notes say that the MAC is base64; Airtable's own
/// sample, pyairtable and deliveries that were seen have hex. A notification
/// only says that a base has changed, and when: what changed is fetched with a
/// cursor. It has no event id and is known by what was signed.
#[doc = example!("airtable", "c2VjcmV0LXNlY3JldC1zZWNyZXQ", r#"{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2023-11-14T22:13:20.000Z"}"#)]
#[must_use]
pub fn airtable() -> Scheme {
    Scheme::hmac("airtable", Hash::Sha256)
        .with_reference("https://airtable.com/developers/web/api/webhooks-overview")
        .with_signature(
            Source::header("x-airtable-content-mac"),
            Grammar::prefixed("hmac-sha256="),
        )
        .with_secret_encoding(SecretEncoding::Base64 { prefix: "".into() })
}
