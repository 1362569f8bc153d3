use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Retell AI: `X-Retell-Signature: v=<milliseconds>,d=<hex>`, HMAC-SHA256 over
/// `{body}{v}`.
///
/// The secret is the API key. Five minutes of tolerance, as in Retell's own
/// library. Nothing stands between body and timestamp; a digit moved from one
/// to the other makes the timestamp wrong by decades. Sends no event id; events
/// are known by what was signed, timestamp included.
#[doc = example!("retell", "key_8b1f4e", r#"{"event":"call_ended"}"#)]
#[must_use]
pub fn retell() -> Scheme {
    Scheme::hmac("retell", Hash::Sha256)
        .with_reference("https://docs.retellai.com/features/secure-webhook")
        .with_content([Part::Body, Part::Timestamp])
        .with_signature(
            Source::header("x-retell-signature"),
            Grammar::fields(',', "d"),
        )
        .with_timestamp(TimestampRule::millis(Source::field("v")))
        .with_event_type([Source::pointer("/event")])
}
