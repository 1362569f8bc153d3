use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

/// Cloudflare Notifications: `cf-webhook-auth` must equal the webhook's secret.
///
/// Nothing is signed: the token proves the sender, not the content, and anyone
/// who sees one request has it. Cloudflare's addresses are shared with the
/// traffic of all its customers, so an allowlist of them adds little.
/// `alert_correlation_id` joins the notifications of one alert and names none
/// of them; a notification is known by its body, which holds its time.
#[doc = example!("cloudflare_notifications", "n0b0dy-kn0ws", r#"{"alert_type":"http_alert_origin_error","ts":1700000000}"#)]
#[must_use]
pub fn cloudflare_notifications() -> Scheme {
    Scheme::token("cloudflare_notifications")
        .with_reference(
            "https://developers.cloudflare.com/notifications/get-started/configure-webhooks/",
        )
        .with_signature(Source::header("cf-webhook-auth"), Grammar::Plain)
        .with_event_type([Source::pointer("/alert_type")])
}

/// Cloudflare Stream: `Webhook-Signature: time=<seconds>,sig1=<hex>`,
/// HMAC-SHA256 over `{time}.{body}`.
///
/// The secret is the one in the API's answer that set the webhook. `uid` is
/// the video's, which has more than one event; deliveries are known by what
/// was signed, timestamp included.
#[doc = example!("cloudflare_stream", "85011ed3a913c6ad5f9cf6c5573cc0a7", r#"{"uid":"dd5d531a","status":{"state":"ready"}}"#)]
#[must_use]
pub fn cloudflare_stream() -> Scheme {
    Scheme::hmac("cloudflare_stream", Hash::Sha256)
        .with_reference(
            "https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/",
        )
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("webhook-signature"),
            Grammar::fields(',', "sig1"),
        )
        .with_timestamp(TimestampRule::seconds(Source::field("time")))
        .with_event_type([Source::pointer("/status/state")])
}
