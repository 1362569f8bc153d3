use http::Method;

use super::HOUR;
use crate::signature::{
    Grammar, Handshake, Hash, Part, Reply, ReplyValue, Scheme, Source, TimestampRule,
};

/// Slack: `X-Slack-Signature: v0=<hex>`, HMAC-SHA256 over
/// `v0:{X-Slack-Request-Timestamp}:{body}`.
///
/// Events carry `event_id`; slash commands and interactions are forms without
/// one and are known by what was signed. Slack waits three seconds and retries
/// three times within an hour. The signed `url_verification` is answered with
/// its challenge.
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
        .with_handshake(
            Handshake::signed(Method::POST)
                .when_equals(Source::pointer("/type"), "url_verification")
                .with_reply(Reply::text(ReplyValue::echo(Source::pointer("/challenge")))),
        )
}
