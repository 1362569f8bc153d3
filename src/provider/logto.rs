use crate::signature::{Grammar, Hash, Scheme, Source};

/// Logto: `logto-signature-sha-256: <hex>`, HMAC-SHA256 over the body.
///
/// The secret is the webhook's signing key, as text. Signs no timestamp;
/// deliveries are known by their body.
#[doc = example!("logto", "jd3RlzVbLkfhSCMWRiUTHsgM2zpWRpFi", r#"{"event":"PostSignIn"}"#)]
#[must_use]
pub fn logto() -> Scheme {
    Scheme::hmac("logto", Hash::Sha256)
        .with_reference("https://docs.logto.io/developers/webhooks/secure-webhooks")
        .with_signature(Source::header("logto-signature-sha-256"), Grammar::Plain)
}
