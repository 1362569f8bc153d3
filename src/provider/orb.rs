use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Orb: `X-Orb-Signature: v1=<hex>`, HMAC-SHA256 over
/// `v1:{X-Orb-Timestamp}:{body}`.
///
/// The timestamp is a date and time without an offset, in UTC; one with an offset
/// is read as it says. Several signatures are separated by spaces, and other
/// versions than `v1` are skipped. The secret is text. Five minutes of tolerance
/// both ways, as in Orb's library.
///
/// Every webhook has an `id`; that it stays the same when a delivery is retried
/// is what its place in the event suggests, and not documented.
#[doc = example!("orb", "c-UGKYdnhHh436B", r#"{"id":"o4mmewpfNNTnjfZc","type":"resource_event.test"}"#)]
#[must_use]
pub fn orb() -> Scheme {
    Scheme::hmac("orb", Hash::Sha256)
        .with_reference("https://docs.withorb.com/integrations-and-exports/webhooks")
        .with_content([
            Part::literal("v1:"),
            Part::Timestamp,
            Part::literal(":"),
            Part::Body,
        ])
        .with_signature(
            Source::header("x-orb-signature"),
            Grammar::fields(' ', "v1"),
        )
        .with_timestamp(TimestampRule::rfc3339_assume_utc(Source::header(
            "x-orb-timestamp",
        )))
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
}
