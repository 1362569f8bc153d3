use super::{HOUR, MINUTE};
use crate::signature::{Encoding, Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Box: `BOX-SIGNATURE-PRIMARY` and `BOX-SIGNATURE-SECONDARY`, base64,
/// HMAC-SHA256 over `{body}{BOX-DELIVERY-TIMESTAMP}`.
///
/// Give both keys as secrets; a match of either is enough, as in Box's own
/// libraries. The version and algorithm headers must be `1` and `HmacSHA256`.
/// Ten minutes of tolerance. `BOX-DELIVERY-ID` is not signed, so deduplication
/// also remembers what was signed. Some twelve retries in two hours.
#[must_use]
pub fn box_com() -> Scheme {
    Scheme::hmac("box", Hash::Sha256)
        .with_reference("https://developer.box.com/guides/webhooks/v2/signatures-v2/")
        .with_content([Part::Body, Part::Timestamp])
        .with_signature(Source::header("box-signature-primary"), Grammar::Plain)
        .with_second_signature(Source::header("box-signature-secondary"))
        .with_encoding(Encoding::Base64)
        .with_fixed_header("box-signature-version", "1")
        .with_fixed_header("box-signature-algorithm", "HmacSHA256")
        .with_timestamp(
            TimestampRule::rfc3339(Source::header("box-delivery-timestamp"))
                .with_tolerance(10 * MINUTE),
        )
        .with_event_id([Source::header("box-delivery-id")])
        .with_event_type([Source::pointer("/trigger")])
        .with_retry_horizon(3 * HOUR)
}
