use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Svix, and the many that deliver through it: Standard Webhooks under the
/// header names `svix-*`, or `webhook-*`.
///
/// The names of one request all come from one family; they never mix.
#[must_use]
pub fn svix() -> Scheme {
    standard(
        "svix",
        Source::headers(["svix-id", "webhook-id"]),
        Source::headers(["svix-timestamp", "webhook-timestamp"]),
        Source::headers(["svix-signature", "webhook-signature"]),
    )
    .with_reference("https://docs.svix.com/receiving/verifying-payloads/how-manual")
}
