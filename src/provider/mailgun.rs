use super::{HOUR, MINUTE};
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Mailgun: `/signature/signature` in the body, hex, HMAC-SHA256 over
/// `{/signature/timestamp}{/signature/token}`.
///
/// The event itself is not signed: whoever captured a delivery could put
/// another event around the same three values. Each of them is therefore
/// processed once, whatever is around it; treat what the event says with care,
/// or fetch it from Mailgun's API. The secret is the HTTP webhook signing key.
///
/// Mailgun retries for eight hours and warns that deliveries may come late, so
/// timestamps count as fresh for twelve hours. It gives up when it is answered
/// 406, and `parent-signature` of subaccounts is not read.
#[doc = example!(
    "mailgun",
    "key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
    r#"{"signature":{"timestamp":"1700000000","token":"a8ce0edb2dd8301dee6c2405235584e4"},"event-data":{"id":"G9Bn5sl1TC6nu79C8C0bwg","event":"opened"}}"#
)]
#[must_use]
pub fn mailgun() -> Scheme {
    Scheme::hmac("mailgun", Hash::Sha256)
        .with_reference(
            "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
        )
        .with_content([
            Part::value("/signature/timestamp"),
            Part::value("/signature/token"),
        ])
        .with_signature(Source::pointer("/signature/signature"), Grammar::Plain)
        .with_timestamp(
            TimestampRule::seconds(Source::pointer("/signature/timestamp"))
                .with_tolerance(12 * HOUR)
                .with_future_tolerance(5 * MINUTE),
        )
        .with_event_id([Source::pointer("/event-data/id")])
        .with_event_type([Source::pointer("/event-data/event")])
        .with_retry_horizon(8 * HOUR)
}
