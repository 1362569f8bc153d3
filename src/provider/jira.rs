use crate::signature::{Grammar, Hash, Scheme, Source};

/// Jira Cloud and Data Center: `X-Hub-Signature: sha256=<hex>`, HMAC-SHA256
/// over the body.
///
/// Only webhooks that an administrator creates, with a secret, are signed like
/// this; those that Connect, Forge and OAuth apps register are not this
/// preset's. Signs no timestamp. `X-Atlassian-Webhook-Identifier` stays the same over
/// retries and is not signed, so deduplication also remembers what was signed.
#[doc = example!("jira", "It's a Secret to Everybody", r#"{"webhookEvent":"jira:issue_created"}"#)]
#[must_use]
pub fn jira() -> Scheme {
    Scheme::hmac("jira", Hash::Sha256)
        .with_reference(
            "https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks",
        )
        .with_signature(
            Source::header("x-hub-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_optional_event_id([Source::header("x-atlassian-webhook-identifier")])
        .with_event_type([Source::pointer("/webhookEvent")])
}
