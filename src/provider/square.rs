use super::DAY;
use crate::signature::{Encoding, Grammar, Hash, Part, PublicUrl, Scheme, Source, UrlForm};

/// Square: `x-square-hmacsha256-signature: <base64>`, HMAC-SHA256 over
/// `{url}{body}`.
///
/// `url` is the notification URL as the developer console shows it, so prefer
/// [`PublicUrl::registered`]. The secret is the subscription's signature key, as
/// text; each subscription has its own. The older `x-square-signature` (SHA-1)
/// is not read.
///
/// `event_id` stays the same when a notification is sent again. No timestamp is
/// signed. Square's pages say 24 and 72 hours of retries; the longer one counts
/// here. It wants a 2xx within ten seconds.
#[doc = example!(url "square", "Ibxx_5AKakO", r#"{"event_id":"ev_1","type":"payment.created"}"#)]
#[must_use]
pub fn square(url: PublicUrl) -> Scheme {
    Scheme::hmac("square", Hash::Sha256)
        .with_reference("https://developer.squareup.com/docs/webhooks/step3validate")
        .with_public_url(url)
        .with_content([Part::Url(UrlForm::AsIs), Part::Body])
        .with_signature(
            Source::header("x-square-hmacsha256-signature"),
            Grammar::Plain,
        )
        .with_encoding(Encoding::Base64)
        .with_event_id([Source::pointer("/event_id")])
        .with_event_type([Source::pointer("/type")])
        .with_retry_horizon(3 * DAY)
}
