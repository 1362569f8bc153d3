use crate::signature::{Grammar, Hash, Scheme, Source};

/// Sentry's integration platform: `Sentry-Hook-Signature: <hex>`, HMAC-SHA256
/// over the body with the integration's client secret.
///
/// Sentry's samples sign parsed and re-serialised JSON, which fails for some
/// bodies; the bytes that were sent always verify. `Sentry-Hook-Timestamp` is
/// not signed and is not read. `Request-ID` names the request, and nothing
/// published says that a retry keeps it, so deliveries are known by what was
/// signed. Answers are due within one second; after 1000 timeouts in a day the
/// webhook is unsubscribed.
#[doc = example!("sentry", "client-secret", r#"{"action":"created","data":{"issue":{"id":"1"}}}"#)]
#[must_use]
pub fn sentry() -> Scheme {
    Scheme::hmac("sentry", Hash::Sha256)
        .with_reference(
            "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/",
        )
        .with_signature(Source::header("sentry-hook-signature"), Grammar::Plain)
        .with_event_type([Source::header("sentry-hook-resource")])
}
