use crate::signature::{Grammar, Hash, Scheme, Source};

/// PagerDuty v3: `X-PagerDuty-Signature: v1=<hex>,v1=<hex>`, HMAC-SHA256 over
/// the body.
///
/// Lists one `v1` for each active secret during a rotation; other versions do
/// not count. Signs no timestamp. PagerDuty does not come again after 400 or
/// 403, so a failed verification is answered with 401: a delivery refused for a
/// secret that was configured wrongly is not lost. Its library reads bodies of
/// up to 2 MiB.
#[doc = example!("pagerduty", "secret", r#"{"event":{"id":"01BWDWL3","event_type":"incident.triggered"}}"#)]
#[must_use]
pub fn pagerduty() -> Scheme {
    Scheme::hmac("pagerduty", Hash::Sha256)
        .with_reference("https://docs.pagerduty.com/developer/verifying-webhook-signatures")
        .with_signature(
            Source::header("x-pagerduty-signature"),
            Grammar::fields(',', "v1"),
        )
        .with_event_id([Source::pointer("/event/id")])
        .with_event_type([Source::pointer("/event/event_type")])
        .with_max_body(2 * 1024 * 1024)
}
