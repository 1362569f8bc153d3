use crate::signature::{Encoding, Grammar, Scheme, Source};

/// Azure DevOps service hooks: Basic authentication. The secret is
/// [`Secret::basic`](crate::Secret::basic).
///
/// Nothing is signed: user and password prove the sender, not the content.
/// Azure DevOps demands HTTPS for them. How much of a resource is in the body
/// is a setting of the hook, and no id is documented to stay the same over
/// retries, so deliveries are known by their body.
#[doc = example!("azure_devops", "azure:correct-horse", r#"{"eventType":"git.push"}"#)]
#[must_use]
pub fn azure_devops() -> Scheme {
    Scheme::token("azure_devops")
        .with_reference(
            "https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks",
        )
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("Basic"),
        )
        .with_encoding(Encoding::Base64)
        .with_event_type([Source::pointer("/eventType")])
}
