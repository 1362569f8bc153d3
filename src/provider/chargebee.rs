use super::HOUR;
use crate::signature::{Encoding, Grammar, Scheme, Source};

/// Chargebee: Basic authentication, if it is switched on for the webhook. The
/// secret is [`Secret::basic`](crate::Secret::basic).
///
/// Nothing is signed: user and password prove the sender, not the content.
/// Chargebee asks receivers to tell duplicates by the event's `id`, and to
/// remember it for three days and seven hours, after which the last retry may
/// come. All webhooks of a site send an event under the same id, so each needs
/// a deduplication of its own.
#[doc = example!("chargebee", "chargebee:correct-horse", r#"{"id":"ev_1","event_type":"plan_created"}"#)]
#[must_use]
pub fn chargebee() -> Scheme {
    Scheme::token("chargebee")
        .with_reference("https://apidocs.chargebee.com/docs/api/events")
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("Basic"),
        )
        .with_encoding(Encoding::Base64)
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/event_type")])
        .with_retry_horizon(80 * HOUR)
}
