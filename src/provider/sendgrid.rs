use super::DAY;
use crate::signature::{Grammar, Part, PublicKeyAlgorithm, Scheme, Source, TimestampRule};

/// SendGrid's Event Webhook: `X-Twilio-Email-Event-Webhook-Signature: <base64>`,
/// ECDSA P-256 over `{X-Twilio-Email-Event-Webhook-Timestamp}{body}`. The secret
/// is the public key as SendGrid shows it, base64.
///
/// A delivery holds an array of events; it is known by the `sg_event_id` of all
/// of them. Bodies often end with a line break, which is signed. SendGrid states
/// no tolerance for the timestamp; five minutes is this crate's.
#[doc = example!(public "sendgrid", "p256", r#"[{"event":"dropped","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA"}]"#)]
#[must_use]
pub fn sendgrid() -> Scheme {
    Scheme::public_key("sendgrid", PublicKeyAlgorithm::EcdsaP256Sha256)
        .with_reference("https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features")
        .with_content([Part::Timestamp, Part::Body])
        .with_signature(
            Source::header("x-twilio-email-event-webhook-signature"),
            Grammar::Plain,
        )
        .with_timestamp(TimestampRule::seconds(Source::header(
            "x-twilio-email-event-webhook-timestamp",
        )))
        .with_optional_event_id([Source::pointer("/*/sg_event_id")])
        .with_event_type([Source::pointer("/0/event")])
        .with_retry_horizon(DAY)
}
