use crate::signature::{Encoding, Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Knock: `x-knock-signature: t=<milliseconds>,s=<base64>`, HMAC-SHA256 over
/// `{t}.{body}`.
///
/// Like Stripe's, but in milliseconds and base64. Knock suggests five minutes
/// of tolerance. Sends no event id; events are known by what was signed,
/// timestamp included. Every answer but 2xx is retried, eight times.
#[doc = example!("knock", "some-secret", r#"{"type":"message.undelivered"}"#)]
#[must_use]
pub fn knock() -> Scheme {
    Scheme::hmac("knock", Hash::Sha256)
        .with_reference("https://docs.knock.app/developer-tools/outbound-webhooks/overview")
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("x-knock-signature"),
            Grammar::fields(',', "s"),
        )
        .with_encoding(Encoding::Base64)
        .with_timestamp(TimestampRule::millis(Source::field("t")))
        .with_event_type([Source::pointer("/type")])
}
