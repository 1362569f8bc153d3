use crate::signature::{Encoding, Grammar, Scheme, Source};

const REFERENCE: &str =
    "https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook";

/// New Relic workflow notifications with Basic authentication. The secret is
/// [`Secret::basic`](crate::Secret::basic).
///
/// New Relic signs nothing, and the body is a template of the user's: state
/// where its id is with [`Scheme::with_event_id`], for instance `/issueId`
/// with `/state`; without it, deliveries are known by their body.
#[must_use]
pub fn new_relic_basic() -> Scheme {
    Scheme::token("new_relic_basic")
        .with_reference(REFERENCE)
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("Basic"),
        )
        .with_encoding(Encoding::Base64)
}

/// New Relic workflow notifications with a bearer token. See
/// [`new_relic_basic`] for what is not signed.
#[must_use]
pub fn new_relic_bearer() -> Scheme {
    Scheme::token("new_relic_bearer")
        .with_reference(REFERENCE)
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("Bearer"),
        )
}

/// New Relic workflow notifications with a secret in the custom header
/// `X-Api-Key`; change the name with [`Scheme::with_signature`]. See
/// [`new_relic_basic`] for what is not signed.
#[must_use]
pub fn new_relic_header() -> Scheme {
    Scheme::token("new_relic_header")
        .with_reference(REFERENCE)
        .with_signature(Source::header("x-api-key"), Grammar::Plain)
}
