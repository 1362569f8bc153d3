use crate::signature::{Grammar, Hash, Scheme, Source};

/// Webex: `X-Spark-Signature: <hex>`, HMAC-SHA1 over the body.
///
/// Sent only if the webhook was created with a secret. Signs no timestamp. The
/// `id` in the body names the webhook, not the delivery, so deliveries are
/// known by their body.
#[doc = example!("webex", "somesupersecretphrase", r#"{"resource":"messages","event":"created"}"#)]
#[must_use]
pub fn webex() -> Scheme {
    Scheme::hmac("webex", Hash::Sha1)
        .with_reference("https://developer.webex.com/docs/api/guides/webhooks")
        .with_signature(Source::header("x-spark-signature"), Grammar::Plain)
}
