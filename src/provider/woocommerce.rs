use http::Method;

use super::HOUR;
use crate::signature::{Encoding, Grammar, Handshake, Hash, Scheme, Source};

/// WooCommerce: `X-WC-Webhook-Signature: <base64>`, HMAC-SHA256 over the body.
///
/// The secret is what was typed into the form (WordPress stores it with HTML
/// entities, but signs with the decoded text). `X-WC-Webhook-Delivery-ID`
/// changes with each attempt and can be shared by two, so deliveries are known
/// by what was signed. WooCommerce does not retry; after more than five
/// failures in a row it disables the hook. The ping at creation is a form with
/// the number of the hook and no signature; it is answered with 200.
#[must_use]
pub fn woocommerce() -> Scheme {
    let hook = || Source::form("webhook_id");
    Scheme::hmac("woocommerce", Hash::Sha256)
        .with_reference(
            "https://developer.woocommerce.com/docs/best-practices/urls-and-routing/webhooks/",
        )
        .with_signature(Source::header("x-wc-webhook-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_event_type([Source::header("x-wc-webhook-topic")])
        .with_retry_horizon(HOUR)
        .with_handshake(
            Handshake::unsigned(Method::POST)
                .when_alone(hook())
                .when_digits(hook()),
        )
}
