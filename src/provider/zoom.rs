use http::Method;

use super::HOUR;
use crate::signature::{
    Encoding, Grammar, Handshake, Hash, Part, Reply, ReplyValue, Scheme, Source, TimestampRule,
};

/// Zoom: `x-zm-signature: v0=<hex>`, HMAC-SHA256 over
/// `v0:{x-zm-request-timestamp}:{body}`.
///
/// Sends no event id; events are known by what was signed, timestamp included.
/// Zoom wants 200 or 204 within three seconds and retries for an hour and a
/// half. The signed `endpoint.url_validation`, which comes every three days, is
/// answered with the MAC of its token.
#[must_use]
pub fn zoom() -> Scheme {
    let token = || Source::pointer("/payload/plainToken");
    Scheme::hmac("zoom", Hash::Sha256)
        .with_reference("https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events")
        .with_content([
            Part::literal("v0:"),
            Part::Timestamp,
            Part::literal(":"),
            Part::Body,
        ])
        .with_signature(Source::header("x-zm-signature"), Grammar::prefixed("v0="))
        .with_timestamp(TimestampRule::seconds(Source::header(
            "x-zm-request-timestamp",
        )))
        .with_event_type([Source::pointer("/event")])
        .with_retry_horizon(2 * HOUR)
        .with_handshake(
            Handshake::signed(Method::POST)
                .when_equals(Source::pointer("/event"), "endpoint.url_validation")
                .with_reply(Reply::json([
                    ("plainToken", ReplyValue::echo(token())),
                    ("encryptedToken", ReplyValue::mac(token(), Encoding::Hex)),
                ])),
        )
}
