use crate::signature::{Grammar, Hash, Scheme, Source};

/// Cal.com: `X-Cal-Signature-256: <hex>`, HMAC-SHA256 over the body.
///
/// A webhook without a secret sends the text `no-secret-provided` instead,
/// which is refused. Signs no timestamp. The body is JSON, or what the user's
/// template makes of it, and holds no id of the event; deliveries are known by
/// their body.
#[doc = example!("cal_com", "correct-horse", r#"{"triggerEvent":"BOOKING_CREATED"}"#)]
#[must_use]
pub fn cal_com() -> Scheme {
    Scheme::hmac("cal_com", Hash::Sha256)
        .with_reference("https://cal.com/docs/developing/guides/automation/webhooks")
        .with_signature(Source::header("x-cal-signature-256"), Grammar::Plain)
        .with_event_type([Source::pointer("/triggerEvent")])
}
