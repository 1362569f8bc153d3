use http::Method;

use crate::signature::{
    Encoding, Grammar, Handshake, Hash, Part, PublicUrl, Scheme, Source, UrlForm,
};

/// Trello: `X-Trello-Webhook: <base64>`, HMAC-SHA1 over `{body}{url}`.
///
/// `url` is the `callbackURL` exactly as the webhook was created with it, with
/// its query: prefer [`PublicUrl::registered`]. The secret is the OAuth 1.0
/// secret of the Power-Up. The action's id names the event; the same action
/// through two webhooks is one event to an endpoint that serves both. No
/// timestamp is signed.
///
/// Trello's sample hashes `JSON.stringify` of the parsed body; what is signed
/// are the bytes that were sent, and those count here.
///
/// A webhook is only created after a HEAD request to `url` was answered with
/// 200, which it is; a status of 410 deletes it.
#[doc = example!(url "trello", "secret", r#"{"action":{"id":"51f9d277","type":"updateCard"}}"#)]
#[must_use]
pub fn trello(url: PublicUrl) -> Scheme {
    Scheme::hmac("trello", Hash::Sha1)
        .with_reference("https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/")
        .with_public_url(url)
        .with_content([Part::Body, Part::Url(UrlForm::AsIs)])
        .with_signature(Source::header("x-trello-webhook"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_optional_event_id([Source::pointer("/action/id")])
        .with_event_type([Source::pointer("/action/type")])
        .with_handshake(Handshake::unsigned(Method::HEAD))
}
