use crate::signature::{Grammar, Hash, Scheme, Source};

/// Modern Treasury: `X-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// The secret is the webhook key, as text. Signs no timestamp; deliveries are
/// known by their body.
#[doc = example!("modern_treasury", "foo", r#"{"event":"completed"}"#)]
#[must_use]
pub fn modern_treasury() -> Scheme {
    Scheme::hmac("modern_treasury", Hash::Sha256)
        .with_reference(
            "https://github.com/Modern-Treasury/modern-treasury-python/blob/main/src/modern_treasury/resources/webhooks.py",
        )
        .with_signature(Source::header("x-signature"), Grammar::Plain)
}
