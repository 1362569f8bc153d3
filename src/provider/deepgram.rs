use super::HOUR;
use crate::signature::{Grammar, Scheme, Source};

/// Deepgram callbacks: the `dg-token` header must equal the identifier of the
/// API key that the audio was submitted with.
///
/// Nothing is signed: the token proves the sender, not the content. It is the
/// key's identifier and not the key, so whoever may see the project's keys in
/// Deepgram's console can forge callbacks. A callback URL with a user and a
/// password is an alternative: change the place with
/// [`Scheme::with_signature`].
///
/// The request id in the body is the same for all results of a stream, so
/// callbacks are known by their body. Ten retries, 30 seconds apart. Where
/// `callback_method` says PUT, allow it with [`Scheme::with_methods`]; where
/// transcripts are long, raise the limit with [`Scheme::with_max_body`].
#[doc = example!("deepgram", "8bcee2e0-4f3a-4cc3-b1f1-7ac0d1a5e0a7", r#"{"metadata":{}}"#)]
#[must_use]
pub fn deepgram() -> Scheme {
    Scheme::token("deepgram")
        .with_reference("https://developers.deepgram.com/docs/callback")
        .with_signature(Source::header("dg-token"), Grammar::Plain)
        .with_retry_horizon(HOUR)
}
