use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Persona: `Persona-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 over
/// `{t}.{body}`.
///
/// While a secret is replaced there are two such sets, separated by a space, one
/// for each secret; one genuine signature is enough, and the sets must have the
/// same `t`. The secret is the `wbhsec_…` text as the dashboard shows it. Persona
/// states no tolerance; five minutes is this crate's. A delivery is an event
/// object and is known by its id.
#[doc = example!(
    "persona",
    "wbhsec_7f1e03d7",
    r#"{"data":{"type":"event","id":"evt_1","attributes":{"name":"inquiry.completed"}}}"#
)]
#[must_use]
pub fn persona() -> Scheme {
    Scheme::hmac("persona", Hash::Sha256)
        .with_reference("https://docs.withpersona.com/docs/webhooks-best-practices")
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("persona-signature"),
            Grammar::field_sets(',', "v1"),
        )
        .with_timestamp(TimestampRule::seconds(Source::field("t")))
        .with_optional_event_id([Source::pointer("/data/id")])
        .with_event_type([Source::pointer("/data/attributes/name")])
}
