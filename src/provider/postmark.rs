use crate::signature::{Encoding, Grammar, Scheme, Source};

/// Postmark: Basic authentication, with the user and password that stand in
/// the webhook's URL. The secret is [`Secret::basic`](crate::Secret::basic).
///
/// Nothing is signed: user and password prove the sender, not the content. A
/// message's id is the same for all that happens to the message, so deliveries
/// are known by their body.
#[doc = example!("postmark", "postmark:correct-horse", r#"{"RecordType":"Delivery"}"#)]
#[must_use]
pub fn postmark() -> Scheme {
    Scheme::token("postmark")
        .with_reference("https://postmarkapp.com/developer/webhooks/webhooks-overview")
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("Basic"),
        )
        .with_encoding(Encoding::Base64)
        .with_event_type([Source::pointer("/RecordType")])
}
