use crate::signature::{Encoding, Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Zendesk: `X-Zendesk-Webhook-Signature: <base64>`, HMAC-SHA256 over
/// `{X-Zendesk-Webhook-Signature-Timestamp}{body}`.
///
/// The secret looks like base64 and is used as text. The timestamp is RFC
/// 3339; Zendesk publishes no tolerance, five minutes are allowed.
/// `X-Zendesk-Webhook-Invocation-Id` names the invocation, of which a retry is
/// another attempt (`X-Zendesk-Webhook-Id` names the webhook); it is not
/// signed, so deduplication also remembers what was signed. A webhook may use
/// other methods than POST: state them with [`Scheme::with_methods`].
#[doc = example!("zendesk", "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", r#"{"type":"zen:event-type:user.created"}"#)]
#[must_use]
pub fn zendesk() -> Scheme {
    Scheme::hmac("zendesk", Hash::Sha256)
        .with_reference("https://developer.zendesk.com/documentation/webhooks/verifying/")
        .with_content([Part::Timestamp, Part::Body])
        .with_signature(
            Source::header("x-zendesk-webhook-signature"),
            Grammar::Plain,
        )
        .with_encoding(Encoding::Base64)
        .with_timestamp(TimestampRule::rfc3339(Source::header(
            "x-zendesk-webhook-signature-timestamp",
        )))
        .with_optional_event_id([Source::header("x-zendesk-webhook-invocation-id")])
        .with_event_type([Source::pointer("/type")])
}
