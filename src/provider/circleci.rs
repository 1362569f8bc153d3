use crate::signature::{Grammar, Hash, Scheme, Source};

/// CircleCI: `circleci-signature: v1=<hex>`, HMAC-SHA256 over the body.
///
/// The header may list further versions one day; only `v1` counts, so that
/// none can be used to downgrade it. Signs no timestamp. `id` in the body is
/// what CircleCI says to tell duplicates by. It waits five seconds and retries
/// on a schedule of its own.
#[doc = example!("circleci", "secret", r#"{"id":"3888f21b-eaa7-38e3-8f3d-75a63bba8895","type":"workflow-completed"}"#)]
#[must_use]
pub fn circleci() -> Scheme {
    Scheme::hmac("circleci", Hash::Sha256)
        .with_reference("https://circleci.com/docs/outbound-webhooks/")
        .with_signature(
            Source::header("circleci-signature"),
            Grammar::fields(',', "v1"),
        )
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
}
