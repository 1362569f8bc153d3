use http::{Method, StatusCode};

use super::MINUTE;
use crate::signature::{
    Encoding, Grammar, Handshake, Part, PublicKeyAlgorithm, Reply, ReplyValue, Scheme,
    SecretEncoding, Source, TimestampRule,
};

/// Discord interactions and webhook events: `X-Signature-Ed25519: <hex>`,
/// Ed25519 over `{X-Signature-Timestamp}{body}`. The secret is the
/// application's public key, hex.
///
/// Discord states no tolerance for the timestamp; five minutes is this crate's.
/// It sends requests with wrong signatures on purpose and wants 401 for them.
/// An interaction is known by its `id`; webhook events have none and are known
/// by what was signed. The signed pings of both are answered: an interaction of
/// type 1 in kind, a webhook event of type 0 with 204.
#[doc = example!(public "discord", "ed25519", r#"{"id":"846462639134605312","type":2}"#)]
#[must_use]
pub fn discord() -> Scheme {
    Scheme::public_key("discord", PublicKeyAlgorithm::Ed25519)
        .with_reference("https://discord.com/developers/docs/interactions/overview#setting-up-an-endpoint-validating-security-request-headers")
        .with_content([Part::Timestamp, Part::Body])
        .with_signature(Source::header("x-signature-ed25519"), Grammar::Plain)
        .with_encoding(Encoding::Hex)
        .with_secret_encoding(SecretEncoding::Hex)
        .with_timestamp(TimestampRule::seconds(Source::header(
            "x-signature-timestamp",
        )))
        .with_optional_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/event/type"), Source::pointer("/type")])
        .with_retry_horizon(10 * MINUTE)
        .with_handshake(
            // A webhook event of type 1 is one that happened.
            Handshake::signed(Method::POST)
                .when_equals(Source::pointer("/type"), "1")
                .when_absent(Source::pointer("/event"))
                .with_reply(Reply::json([("type", ReplyValue::Number(1))])),
        )
        .with_handshake(
            Handshake::signed(Method::POST)
                .when_equals(Source::pointer("/type"), "0")
                .with_status(StatusCode::NO_CONTENT),
        )
}
