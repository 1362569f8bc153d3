use crate::signature::{Grammar, Hash, Scheme, Source};

/// GoCardless: `Webhook-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// The secret is the webhook endpoint's, as text. Signs no timestamp. A
/// delivery holds several events and is known by the ids of all of them: the
/// same events in another batch are another delivery. GoCardless wants a 2xx
/// within ten seconds and retries eight times.
#[doc = example!("gocardless", "ED7D658C-D8EB-4941-948B-3973214F2D49", r#"{"events":[{"id":"EV01J7QRF0KJWR","action":"active"}]}"#)]
#[must_use]
pub fn gocardless() -> Scheme {
    Scheme::hmac("gocardless", Hash::Sha256)
        .with_reference("https://developer.gocardless.com/api-reference/#appendix-webhooks")
        .with_signature(Source::header("webhook-signature"), Grammar::Plain)
        .with_optional_event_id([Source::pointer("/events/*/id")])
}
