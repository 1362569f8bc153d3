use crate::signature::{Grammar, PublicKeyAlgorithm, Scheme, SecretEncoding, Source};

/// Wise: `X-Signature-SHA256: <base64>`, RSA PKCS #1 v1.5 with SHA-256 over the
/// body. The secret is Wise's public key in PEM; production and sandbox have
/// one each, published in its documentation.
///
/// The older `X-Signature` (SHA-1) is not read. Neither a timestamp nor the id
/// in `X-Delivery-Id` is signed, so deduplication also remembers what was
/// signed.
#[doc = example!(public "wise", "rsa", r#"{"event_type":"transfers#state-change"}"#)]
#[must_use]
pub fn wise() -> Scheme {
    Scheme::public_key("wise", PublicKeyAlgorithm::RsaPkcs1Sha256)
        .with_reference("https://docs.wise.com/guides/developer/webhooks/event-handling")
        .with_signature(Source::header("x-signature-sha256"), Grammar::Plain)
        .with_secret_encoding(SecretEncoding::Pem)
        .with_event_id([Source::header("x-delivery-id")])
        .with_event_type([Source::pointer("/event_type")])
}
