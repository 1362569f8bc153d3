use super::{DAY, MINUTE};
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// WorkOS: `WorkOS-Signature: t=<milliseconds>, v1=<hex>`, HMAC-SHA256 over
/// `{t}.{body}`.
///
/// The secret is used as text. Three minutes of tolerance both ways, as in
/// WorkOS's own libraries. Actions are signed alike, with a secret of their
/// own. WorkOS retries for three days in production, and for minutes elsewhere.
#[doc = example!("workos", "secret", r#"{"id":"event_01H2GQNQ","event":"dsync.user.created"}"#)]
#[must_use]
pub fn workos() -> Scheme {
    Scheme::hmac("workos", Hash::Sha256)
        .with_reference("https://workos.com/docs/events/data-syncing/webhooks")
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("workos-signature"),
            Grammar::fields(',', "v1"),
        )
        .with_timestamp(TimestampRule::millis(Source::field("t")).with_tolerance(3 * MINUTE))
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/event")])
        .with_retry_horizon(3 * DAY)
}
