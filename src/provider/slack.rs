use super::HOUR;
use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Slack: `X-Slack-Signature: v0=<hex>`, HMAC-SHA256 over
/// `v0:{X-Slack-Request-Timestamp}:{body}`.
///
/// Events carry `event_id`; slash commands and interactions are forms without
/// one and are known by what was signed. Slack waits three seconds and retries
/// three times within an hour.
#[must_use]
pub fn slack() -> Scheme {
    Scheme::hmac("slack", Hash::Sha256)
        .with_reference("https://docs.slack.dev/authentication/verifying-requests-from-slack/")
        .with_content([
            Part::literal("v0:"),
            Part::Timestamp,
            Part::literal(":"),
            Part::Body,
        ])
        .with_signature(
            Source::header("x-slack-signature"),
            Grammar::prefixed("v0="),
        )
        .with_timestamp(TimestampRule::seconds(Source::header(
            "x-slack-request-timestamp",
        )))
        .with_optional_event_id([Source::pointer("/event_id")])
        .with_event_type([Source::pointer("/event/type"), Source::pointer("/type")])
        .with_retry_horizon(HOUR)
}
