use crate::signature::{Grammar, Hash, Scheme, Source};

/// ClickUp: `X-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// The secret is the `webhook.secret` in the answer to the webhook's creation.
/// Signs no timestamp. `webhook_id` in the body names the hook, not the
/// delivery, so deliveries are known by their body. ClickUp's sample hashes the
/// parsed body written anew, which is the same only without white space; here
/// the bytes count as they were sent.
#[doc = example!("clickup", "0FGNSYOZHGSMOC4VKL2B", r#"{"webhook_id":"7","event":"taskCreated"}"#)]
#[must_use]
pub fn clickup() -> Scheme {
    Scheme::hmac("clickup", Hash::Sha256)
        .with_reference("https://developer.clickup.com/docs/webhooksignature")
        .with_signature(Source::header("x-signature"), Grammar::Plain)
        .with_event_type([Source::pointer("/event")])
}
