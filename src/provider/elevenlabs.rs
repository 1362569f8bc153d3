use super::MINUTE;
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// ElevenLabs: `ElevenLabs-Signature: t=<seconds>,v0=<hex>`, HMAC-SHA256 over
/// `{t}.{body}`.
///
/// The secret is used as the text that it is. ElevenLabs' own libraries allow
/// 30 minutes and look only into the past; here the future is bounded by five
/// minutes. Their JavaScript library hashes the parsed body written anew; here
/// the bytes count as they were sent. Sends no event id; events are known by
/// what was signed, timestamp included.
#[doc = example!("elevenlabs", "wsec_4f8a0d", r#"{"type":"post_call_transcription"}"#)]
#[must_use]
pub fn elevenlabs() -> Scheme {
    Scheme::hmac("elevenlabs", Hash::Sha256)
        .with_reference("https://elevenlabs.io/docs/product-guides/administration/webhooks")
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("elevenlabs-signature"),
            Grammar::fields(',', "v0"),
        )
        .with_timestamp(
            TimestampRule::seconds(Source::field("t"))
                .with_tolerance(30 * MINUTE)
                .with_future_tolerance(5 * MINUTE),
        )
        .with_event_type([Source::pointer("/type")])
}
