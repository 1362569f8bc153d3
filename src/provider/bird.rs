use super::standard_webhooks::standard;
use crate::signature::{
    Encoding, Grammar, Hash, Part, PublicUrl, Scheme, Source, TimestampRule, UrlForm,
};

/// Bird (endpoints `whk_…` of the Bird API): Standard Webhooks, with the
/// headers of [`standard_webhooks`](super::standard_webhooks) and a `whsec_…`
/// secret.
///
/// Bird's own libraries verify with those of Standard Webhooks. The older
/// products sign otherwise and are not accepted: MessageBird with a JWT in
/// `MessageBird-Signature-JWT`, Bird's notifications API as
/// [`bird_notifications`].
#[doc = example!("bird", "whsec_bHljaGVlIGphcmRpbiBkJ2hpdmVy", r#"{"type":"email.delivered"}"#)]
#[must_use]
pub fn bird() -> Scheme {
    standard(
        "bird",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference("https://github.com/messagebird/bird-sdk-typescript")
}

/// Bird's notifications API: `MessageBird-Signature: <base64>`, HMAC-SHA256 over
/// `{MessageBird-Request-Timestamp}`, `url` and the SHA-256 of the body as raw
/// bytes, joined with line breaks.
///
/// `url` is the one that the webhook is registered with: prefer
/// [`PublicUrl::registered`]. The secret is the subscription's signing key, as
/// text. Bird states no tolerance; five minutes is this crate's. No event id is
/// documented, so deliveries are known by what was signed.
///
/// Webhooks of Bird's newer API are those of [`bird`].
#[doc = example!(url "bird_notifications", "bird-signing-key", r#"{"event":"whatsapp.inbound"}"#)]
#[must_use]
pub fn bird_notifications(url: PublicUrl) -> Scheme {
    Scheme::hmac("bird_notifications", Hash::Sha256)
        .with_reference(
            "https://docs.bird.com/api/notifications-api/api-reference/webhooks/verifying-a-webhook",
        )
        .with_public_url(url)
        .with_content([
            Part::Timestamp,
            Part::literal("\n"),
            Part::Url(UrlForm::AsIs),
            Part::literal("\n"),
            Part::BodyDigest(Hash::Sha256),
        ])
        .with_signature(Source::header("messagebird-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_timestamp(TimestampRule::seconds(Source::header(
            "messagebird-request-timestamp",
        )))
}
