use crate::signature::{Grammar, Hash, Scheme, Source};

/// HCP Terraform and Terraform Enterprise notifications:
/// `X-TFE-Notification-Signature: <hex>`, HMAC-SHA512 over the body.
///
/// Sent only for generic notifications that have a token, which is the secret.
/// Run tasks are signed under another header and are not this preset's. Signs
/// no timestamp and sends no event id, so notifications are known by what was
/// signed; the tests that verify a configuration all look alike.
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
