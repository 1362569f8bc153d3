use crate::signature::{Encoding, Grammar, Hash, Scheme, Source};

/// Docusign Connect: `X-DocuSign-Signature-1: <base64>`, `…-2` and so on, one
/// for each key of the account, HMAC-SHA256 over the body.
///
/// One that matches one of the configured secrets is enough. Up to 16 are
/// read. No timestamp and no event id is signed or sent; a delivery is known by
/// its body.
#[doc = example!("docusign", "0yVQbcs+MjBzqKLYLYbnFoSNSTTsnxjBnxBXkQdUcUc=", r#"{"event":"envelope-completed"}"#)]
#[must_use]
pub fn docusign() -> Scheme {
    Scheme::hmac("docusign", Hash::Sha256)
        .with_reference("https://developers.docusign.com/platform/webhooks/connect/hmac/")
        .with_signature(Source::numbered("x-docusign-signature-"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_event_type([Source::pointer("/event")])
}
