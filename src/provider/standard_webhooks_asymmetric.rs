use super::standard_webhooks::standard_webhooks;
use crate::signature::{Algorithm, Grammar, PublicKeyAlgorithm, Scheme, SecretEncoding, Source};

/// Standard Webhooks 1.0, asymmetric: `webhook-signature: v1a,<base64> …`,
/// Ed25519 over `{webhook-id}.{webhook-timestamp}.{body}`. The secret is the
/// sender's public key, `whpk_` and base64.
///
/// Other versions in the header, such as `v1`, are skipped. Everything else is
/// as in [`standard_webhooks`](super::standard_webhooks).
#[doc = example!(public "standard_webhooks_asymmetric", "ed25519", r#"{"type":"user.created"}"#)]
#[must_use]
pub fn standard_webhooks_asymmetric() -> Scheme {
    let mut scheme = standard_webhooks()
        .with_signature(
            Source::header("webhook-signature"),
            Grammar::versioned("v1a"),
        )
        .with_secret_encoding(SecretEncoding::Base64 {
            prefix: "whpk_".into(),
        });
    scheme.name = "standard_webhooks_asymmetric".into();
    scheme.algorithm = Algorithm::PublicKey(PublicKeyAlgorithm::Ed25519);
    scheme
}
