use super::DAY;
use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Heroku app webhooks: `Heroku-Webhook-Hmac-SHA256: <base64>`, HMAC-SHA256
/// over the body.
///
/// Sent only if the subscription has a secret. `id` names the event;
/// `webhook_metadata` holds an id for each attempt, so retries have another
/// body. Subscriptions of level `sync` retry for three days, others do not.
#[doc = example!("heroku", "secret", r#"{"id":"7846bee9","webhook_metadata":{"event":{"include":"api:release"}}}"#)]
#[must_use]
pub fn heroku() -> Scheme {
    Scheme::hmac("heroku", Hash::Sha256)
        .with_reference(
            "https://devcenter.heroku.com/articles/app-webhooks#securing-webhook-requests",
        )
        .with_signature(Source::header("heroku-webhook-hmac-sha256"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/webhook_metadata/event/include")])
        .with_retry_horizon(3 * DAY)
}
