use crate::signature::{Grammar, Hash, Scheme, Source};

/// Gitea: `X-Gitea-Signature: <hex>`, HMAC-SHA256 over the body.
///
/// The signatures under the names of GitHub and Gogs are not read. Choose the
/// content type `application/json`: of a form, Gitea signs the JSON inside and
/// not the bytes that it sends, which never verifies here. Signs no timestamp
/// and not the delivery id, so deduplication also remembers what was signed.
/// Gitea does not retry by itself.
#[doc = example!("gitea", "secret", r#"{"ref":"refs/heads/main"}"#)]
#[must_use]
pub fn gitea() -> Scheme {
    Scheme::hmac("gitea", Hash::Sha256)
        .with_reference("https://docs.gitea.com/usage/webhooks")
        .with_signature(Source::header("x-gitea-signature"), Grammar::Plain)
        .with_event_id([Source::header("x-gitea-delivery")])
        .with_event_type([Source::header("x-gitea-event")])
}

/// Forgejo: `X-Forgejo-Signature: <hex>`, HMAC-SHA256 over the body. See
/// [`gitea`], whose headers Forgejo sends as well.
#[doc = example!("forgejo", "secret", r#"{"ref":"refs/heads/main"}"#)]
#[must_use]
pub fn forgejo() -> Scheme {
    Scheme::hmac("forgejo", Hash::Sha256)
        .with_reference("https://forgejo.org/docs/latest/user/webhooks/")
        .with_signature(Source::header("x-forgejo-signature"), Grammar::Plain)
        .with_event_id([Source::header("x-forgejo-delivery")])
        .with_event_type([Source::header("x-forgejo-event")])
}
