use crate::signature::{Encoding, Grammar, Scheme, Source};

/// Pipedrive: Basic authentication, if the webhook was created with a user and
/// a password. The secret is [`Secret::basic`](crate::Secret::basic).
///
/// Nothing is signed: user and password prove the sender, not the content. No
/// id is documented to stay the same over retries, and the number of the
/// attempt is in the body (`retry`, in version 2 `meta.attempt`): a retry is
/// known as what it is only if it is the same byte for byte.
#[doc = example!("pipedrive", "pipedrive:correct-horse", r#"{"meta":{"action":"create"}}"#)]
#[must_use]
pub fn pipedrive() -> Scheme {
    Scheme::token("pipedrive")
        .with_reference("https://pipedrive.readme.io/docs/guide-for-webhooks-v2")
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("Basic"),
        )
        .with_encoding(Encoding::Base64)
        .with_event_type([Source::pointer("/meta/action")])
}
