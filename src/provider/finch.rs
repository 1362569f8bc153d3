use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Finch: Standard Webhooks under the header names `Finch-Event-Id`,
/// `Finch-Timestamp` and `Finch-Signature`. The secret is base64 without a
/// prefix.
#[doc = example!("finch", "5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH", r#"{"event_type":"company.updated"}"#)]
#[must_use]
pub fn finch() -> Scheme {
    standard(
        "finch",
        Source::header("finch-event-id"),
        Source::header("finch-timestamp"),
        Source::header("finch-signature"),
    )
    .with_reference(
        "https://github.com/Finch-API/finch-api-python/blob/main/tests/api_resources/test_webhooks.py",
    )
    .with_event_type([Source::pointer("/event_type")])
}
