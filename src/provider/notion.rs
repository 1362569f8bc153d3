use crate::signature::{Grammar, Hash, Scheme, Source};

/// Notion: `X-Notion-Signature: sha256=<hex>`, HMAC-SHA256 over the body.
///
/// The secret is the `verification_token` that Notion sends once, in a request
/// of its own, when the subscription is created. Signs no timestamp. The body
/// counts its attempts, so the event is known by its `id` alone; that first
/// request has none.
#[doc = example!("notion", "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl", r#"{"id":"367cba44","type":"page.created"}"#)]
#[must_use]
pub fn notion() -> Scheme {
    Scheme::hmac("notion", Hash::Sha256)
        .with_reference("https://developers.notion.com/reference/webhooks")
        .with_signature(
            Source::header("x-notion-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_optional_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
}
