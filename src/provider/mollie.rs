use crate::signature::{Grammar, Hash, Scheme, Source};

/// Mollie's next-generation webhooks: `X-Mollie-Signature: sha256=<hex>`,
/// HMAC-SHA256 over the body.
///
/// For a day after its secret is rotated, the header comes twice, signed with
/// the new and the old one; it may therefore come several times here. Signs no
/// timestamp. Mollie's classic webhooks carry no signature at all: they are a
/// form with the id of a payment, to be fetched from the API.
#[doc = example!("mollie", "4dbb2a51f5ac4ab5a4a4b6f3", r#"{"resource":"event","id":"event_GvJ8WHrp5isUdRub9CJyH","type":"payment-link.paid"}"#)]
#[must_use]
pub fn mollie() -> Scheme {
    Scheme::hmac("mollie", Hash::Sha256)
        .with_reference("https://docs.mollie.com/reference/webhooks-best-practices")
        .with_signature(
            Source::lines("x-mollie-signature"),
            Grammar::prefixed("sha256="),
        )
        .with_optional_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
}
