use http::Method;

use crate::signature::{Grammar, Handshake, Hash, Scheme, Source};

/// Notion: `X-Notion-Signature: sha256=<hex>`, HMAC-SHA256 over the body.
///
/// The secret is the `verification_token` that Notion sends once, in a request
/// of its own, when the subscription is created. Signs no timestamp. The body
/// counts its attempts, so the event is known by its `id` alone; that first
/// request has none. It is answered once a
/// [`SecretCapture`](crate::handshake::SecretCapture) took the token, which is
/// then pasted into Notion's settings.
#[doc = example!("notion", "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl", r#"{"id":"367cba44","type":"page.created"}"#)]
#[must_use]
pub fn notion() -> Scheme {
    let token = || Source::pointer("/verification_token");
    Scheme::hmac("notion", Hash::Sha256)
        .with_reference("https://developers.notion.com/reference/webhooks")
        .with_signature(
            Source::header("x-notion-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_optional_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
        .with_handshake(
            Handshake::unsigned(Method::POST)
                .when_alone(token())
                .with_capture(token()),
        )
}
