use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Brex: Standard Webhooks under the header names `webhook-*`, or `svix-*`.
///
/// Brex sends through Svix, and Svix' own receiver verifies Brex' webhooks as
/// its own. While a secret is replaced there are two in Brex' API and two
/// signatures in the header: give all secrets that the API lists.
#[doc = example!("brex", "whsec_bHljaGVlIGphcmRpbiBkJ2hpdmVy", r#"{"event_type":"TRANSFER_PROCESSED"}"#)]
#[must_use]
pub fn brex() -> Scheme {
    standard(
        "brex",
        Source::headers(["webhook-id", "svix-id"]),
        Source::headers(["webhook-timestamp", "svix-timestamp"]),
        Source::headers(["webhook-signature", "svix-signature"]),
    )
    .with_reference("https://developer.brex.com/docs/webhooks/")
    .with_event_type([Source::pointer("/event_type")])
}
