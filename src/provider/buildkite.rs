use crate::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};

const REFERENCE: &str = "https://buildkite.com/docs/apis/webhooks/pipelines";

/// Buildkite with a signature:
/// `X-Buildkite-Signature: timestamp=<seconds>,signature=<hex>`, HMAC-SHA256
/// over `{timestamp}.{body}`.
///
/// The secret is the token of the notification service. Buildkite suggests
/// five minutes of tolerance. Sends no event id; events are known by what was
/// signed, timestamp included. `X-Buildkite-Event` is a copy of `event` in the
/// body that is not signed and is not read.
#[doc = example!("buildkite_signature", "309c9c842g8565adecpd7469x6005989", r#"{"event":"build.finished"}"#)]
#[must_use]
pub fn buildkite_signature() -> Scheme {
    Scheme::hmac("buildkite_signature", Hash::Sha256)
        .with_reference(REFERENCE)
        .with_content([Part::Timestamp, Part::literal("."), Part::Body])
        .with_signature(
            Source::header("x-buildkite-signature"),
            Grammar::fields(',', "signature"),
        )
        .with_timestamp(TimestampRule::seconds(Source::field("timestamp")))
        .with_event_type([Source::pointer("/event")])
}

/// Buildkite with a token: `X-Buildkite-Token` must equal it.
///
/// Nothing is signed: anyone who sees one request has the token. Prefer
/// [`buildkite_signature`], the other choice of the notification service.
#[doc = example!("buildkite_token", "309c9c842g8565adecpd7469x6005989", r#"{"event":"build.finished"}"#)]
#[must_use]
pub fn buildkite_token() -> Scheme {
    Scheme::token("buildkite_token")
        .with_reference(REFERENCE)
        .with_signature(Source::header("x-buildkite-token"), Grammar::Plain)
        .with_event_type([Source::pointer("/event")])
}
