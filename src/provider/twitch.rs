use http::Method;

use super::MINUTE;
use crate::signature::{
    Grammar, Handshake, Hash, Part, Reply, ReplyValue, Scheme, Source, TimestampRule,
};

/// Twitch EventSub: `Twitch-Eventsub-Message-Signature: sha256=<hex>`,
/// HMAC-SHA256 over
/// `{Twitch-Eventsub-Message-Id}{Twitch-Eventsub-Message-Timestamp}{body}`.
///
/// Nothing stands between the id and the timestamp, so an id that holds the
/// start of a timestamp is refused. Twitch asks to refuse what is older than ten
/// minutes; how far ahead a timestamp may be (five) is decided here. A message
/// that is sent again keeps its id.
///
/// The type is the subscription's, from the body: the header with the same text
/// is not signed, nor is `Twitch-Eventsub-Message-Type`, which tells a
/// notification from a revocation (`/subscription/status` in the body does as
/// well). The secret is the subscription's, 10 to 100 ASCII characters, as text.
/// Twitch wants a 2xx within a few seconds. The signed challenge that confirms a
/// subscription is answered.
#[doc = example!(
    "twitch",
    "s3cre77890ab",
    r#"{"subscription":{"type":"channel.follow","status":"enabled"},"event":{"user_id":"1"}}"#
)]
#[must_use]
pub fn twitch() -> Scheme {
    Scheme::hmac("twitch", Hash::Sha256)
        .with_reference("https://dev.twitch.tv/docs/eventsub/handling-webhook-events")
        .with_content([Part::EventId, Part::Timestamp, Part::Body])
        .with_signature(
            Source::header("twitch-eventsub-message-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_timestamp(
            TimestampRule::rfc3339(Source::header("twitch-eventsub-message-timestamp"))
                .with_tolerance(10 * MINUTE)
                .with_future_tolerance(5 * MINUTE),
        )
        .with_event_id([Source::header("twitch-eventsub-message-id")])
        .with_event_type([Source::pointer("/subscription/type")])
        .with_handshake(
            Handshake::signed(Method::POST)
                .when_equals(
                    Source::header("twitch-eventsub-message-type"),
                    "webhook_callback_verification",
                )
                // The header is not signed, and no notification has one.
                .when(Source::pointer("/challenge"))
                .with_reply(Reply::text(ReplyValue::echo(Source::pointer("/challenge")))),
        )
}
