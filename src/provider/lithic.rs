use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Lithic: Standard Webhooks, with the headers of
/// [`standard_webhooks`](super::standard_webhooks) and a `whsec_…` secret.
#[doc = example!("lithic", "whsec_zlFsbBZ8Xcodlpcu6NDTdSzZRLSdhkst", r#"{"event_type":"card.created"}"#)]
#[must_use]
pub fn lithic() -> Scheme {
    standard(
        "lithic",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference("https://docs.lithic.com/docs/events-api")
    .with_event_type([Source::pointer("/event_type")])
}
