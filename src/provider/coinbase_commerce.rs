use super::DAY;
use crate::signature::{Grammar, Hash, Scheme, Source};

/// Coinbase Commerce: `X-CC-Webhook-Signature: <hex>`, HMAC-SHA256 over the
/// body.
///
/// Signs no timestamp. The event is named by `event.id`; the `id` beside it is
/// the delivery's, whose `attempt_number` counts, so retries have another body.
/// Coinbase wants 200 and retries for three days.
#[doc = example!("coinbase_commerce", "30291a20-0bd1-4267-9b0f-e6e7b123c0bf", r#"{"id":1,"event":{"id":"24934862","type":"charge:created"}}"#)]
#[must_use]
pub fn coinbase_commerce() -> Scheme {
    Scheme::hmac("coinbase_commerce", Hash::Sha256)
        .with_reference("https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-overview")
        .with_signature(Source::header("x-cc-webhook-signature"), Grammar::Plain)
        .with_event_id([Source::pointer("/event/id")])
        .with_event_type([Source::pointer("/event/type")])
        .with_retry_horizon(3 * DAY)
}
