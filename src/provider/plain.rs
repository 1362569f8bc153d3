use crate::signature::{Grammar, Hash, Scheme, Source, TimestampRule};

/// Plain: `Plain-Request-Signature: <hex>`, HMAC-SHA256 over the body, with the
/// time of the attempt in the body
/// (`webhookMetadata.webhookDeliveryAttemptTimestamp`, RFC 3339).
///
/// Five minutes of tolerance, as in Plain's own library. Each attempt has a
/// time of its own; the event is known by its `id`.
#[doc = example!(
    "plain",
    "plainWhSecret_9c1",
    r#"{"id":"1","webhookMetadata":{"webhookDeliveryAttemptTimestamp":"2023-11-14T22:13:20Z"}}"#
)]
#[must_use]
pub fn plain() -> Scheme {
    Scheme::hmac("plain", Hash::Sha256)
        .with_reference(
            "https://github.com/team-plain/typescript-sdk/blob/main/src/webhooks/verify.ts",
        )
        .with_signature(Source::header("plain-request-signature"), Grammar::Plain)
        .with_timestamp(TimestampRule::rfc3339(Source::pointer(
            "/webhookMetadata/webhookDeliveryAttemptTimestamp",
        )))
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
}
