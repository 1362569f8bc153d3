use crate::signature::{Grammar, Hash, Scheme, Source};

/// HCP Terraform and Terraform Enterprise notifications:
/// `X-TFE-Notification-Signature: <hex>`, HMAC-SHA512 over the body.
///
/// Sent only for generic notifications that have a token, which is the secret.
/// Signs no timestamp and sends no event id, so notifications are known by what
/// was signed; the tests that verify a configuration all look alike.
#[doc = example!("terraform", "token", r#"{"run_id":"run-FwnENkvDnrpyFC7M","notifications":[{"trigger":"run:completed"}]}"#)]
#[must_use]
pub fn terraform() -> Scheme {
    Scheme::hmac("terraform", Hash::Sha512)
        .with_reference("https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-authenticity")
        .with_signature(
            Source::header("x-tfe-notification-signature"),
            Grammar::Plain,
        )
        .with_event_type([Source::pointer("/notifications/0/trigger")])
}

/// Run tasks of HCP Terraform and Terraform Enterprise:
/// `X-TFC-Task-Signature: <hex>`, HMAC-SHA512 over the body.
///
/// The secret is the HMAC key of the run task; without one the header is empty.
/// Signs no timestamp. Each request stands for one `task_result_id`. HCP
/// Terraform wants 200 and retries otherwise.
#[doc = example!("terraform_run_task", "hmac-key", r#"{"stage":"post_plan","task_result_id":"taskrs-2nH5dncYoXaMVQmJ"}"#)]
#[must_use]
pub fn terraform_run_task() -> Scheme {
    Scheme::hmac("terraform_run_task", Hash::Sha512)
        .with_reference("https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run-tasks/run-tasks-integration")
        .with_signature(Source::header("x-tfc-task-signature"), Grammar::Plain)
        .with_event_id([Source::pointer("/task_result_id")])
        .with_event_type([Source::pointer("/stage")])
}
