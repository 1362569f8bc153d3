use crate::signature::{Encoding, Grammar, Hash, Scheme, SecretEncoding, Source};

/// Adyen for Platforms, balance platform and management webhooks:
/// `HmacSignature: <base64>`, HMAC-SHA256 over the body.
///
/// The secret is the hexadecimal key of the Customer Area, and is decoded.
/// Payment webhooks are signed in another way and are not this preset's. After
/// a new key is generated Adyen goes on signing with the old one for a while:
/// give both. Sends no event id (`data.id` is the resource's, which has many
/// events), so deliveries are known by what was signed.
#[doc = example!("adyen_platform", "11223344D785FBAE710E7F943F307971", r#"{"type":"balancePlatform.accountHolder.created"}"#)]
#[must_use]
pub fn adyen_platform() -> Scheme {
    Scheme::hmac("adyen_platform", Hash::Sha256)
        .with_reference("https://docs.adyen.com/platforms/manage-webhooks")
        .with_signature(Source::header("hmacsignature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_secret_encoding(SecretEncoding::Hex)
        .with_event_type([Source::pointer("/type")])
}
