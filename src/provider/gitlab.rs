use super::DAY;
use super::standard_webhooks::standard;
use crate::signature::{Grammar, Scheme, Source};

const REFERENCE: &str = "https://docs.gitlab.com/user/project/integrations/webhooks/";

/// GitLab with a secret token: `X-Gitlab-Token` must equal it.
///
/// Nothing is signed: the token proves the sender, not the content, and anyone
/// who sees one request has it. Prefer [`gitlab_signing_token`] where the
/// instance offers it. `Idempotency-Key` stays the same over the retries of
/// one delivery (`X-Gitlab-Webhook-UUID` names the hook, not the delivery).
#[must_use]
pub fn gitlab_token() -> Scheme {
    Scheme::token("gitlab_token")
        .with_reference(REFERENCE)
        .with_signature(Source::header("x-gitlab-token"), Grammar::Plain)
        .with_optional_event_id([Source::header("idempotency-key")])
        .with_event_type([Source::header("x-gitlab-event")])
        .with_retry_horizon(DAY)
}

/// GitLab with a signing token: Standard Webhooks, with the headers of
/// [`standard_webhooks`](super::standard_webhooks) and a `whsec_…` secret.
#[must_use]
pub fn gitlab_signing_token() -> Scheme {
    standard(
        "gitlab_signing_token",
        Source::header("webhook-id"),
        Source::header("webhook-timestamp"),
        Source::header("webhook-signature"),
    )
    .with_reference(REFERENCE)
    .with_event_type([Source::header("x-gitlab-event")])
    .with_retry_horizon(DAY)
}
