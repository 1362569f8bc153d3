use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Commerce Layer: `X-CommerceLayer-Signature: <base64>`, HMAC-SHA256 over the
/// body.
///
/// The secret is the `shared_secret` that Commerce Layer generates with the
/// webhook. Signs no timestamp; the body is the resource as the API returns it
/// and holds no id of the event, so deliveries are known by their body. Calls
/// of external resources, such as prices, are signed alike, but wait for an
/// answer of the handler's: they must not be deduplicated.
#[doc = example!("commerce_layer", "3f9c7a5be1", r#"{"data":{"type":"orders"}}"#)]
#[must_use]
pub fn commerce_layer() -> Scheme {
    Scheme::hmac("commerce_layer", Hash::Sha256)
        .with_reference("https://docs.commercelayer.io/core/callbacks-security")
        .with_signature(Source::header("x-commercelayer-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
}
