use crate::signature::{Grammar, Part, PublicKeyAlgorithm, Scheme, Source, TimestampRule};

/// Telnyx API v2: `telnyx-signature-ed25519: <base64>`, Ed25519 over
/// `{telnyx-timestamp}|{body}`. The secret is the account's public key, base64.
#[doc = example!(public "telnyx", "ed25519", r#"{"data":{"id":"0ccc7b54-4df3-4bca-a65a-3da1ecc777f0","event_type":"message.received"}}"#)]
#[must_use]
pub fn telnyx() -> Scheme {
    Scheme::public_key("telnyx", PublicKeyAlgorithm::Ed25519)
        .with_reference("https://developers.telnyx.com/docs/development/sdk/python/webhooks")
        .with_content([Part::Timestamp, Part::literal("|"), Part::Body])
        .with_signature(Source::header("telnyx-signature-ed25519"), Grammar::Plain)
        .with_timestamp(TimestampRule::seconds(Source::header("telnyx-timestamp")))
        .with_event_id([Source::pointer("/data/id")])
        .with_event_type([Source::pointer("/data/event_type")])
}
