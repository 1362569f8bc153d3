use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Webflow: `X-Webflow-Signature: <hex>`, HMAC-SHA256 over
/// `{X-Webflow-Timestamp}:{body}`, with the timestamp in milliseconds.
///
/// The secret is the one that came with the webhook's creation, or the client
/// secret of the app that created it. Sends no event id; events are known by
/// what was signed, timestamp included.
#[doc = example!("webflow", "2c8a5b7d0e", r#"{"triggerType":"form_submission"}"#)]
#[must_use]
pub fn webflow() -> Scheme {
    Scheme::hmac("webflow", Hash::Sha256)
        .with_reference("https://developers.webflow.com/data/docs/working-with-webhooks")
        .with_content([Part::Timestamp, Part::literal(":"), Part::Body])
        .with_signature(Source::header("x-webflow-signature"), Grammar::Plain)
        .with_timestamp(TimestampRule::millis(Source::header("x-webflow-timestamp")))
        .with_event_type([Source::pointer("/triggerType")])
}
