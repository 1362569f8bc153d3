use crate::signature::{Grammar, Hash, Scheme, Source};

/// Vercel: `x-vercel-signature: <hex>`, HMAC-SHA1 over the body.
///
/// SHA-1 is all that Vercel offers; as an HMAC it is not known to be forgeable.
/// The secret is that of the account's webhook, or an integration's client
/// secret. Signs no timestamp.
#[doc = example!("vercel", "secret", r#"{"id":"uev_CgdyTOu4i8Vf","type":"deployment.created"}"#)]
#[must_use]
pub fn vercel() -> Scheme {
    Scheme::hmac("vercel", Hash::Sha1)
        .with_reference("https://vercel.com/docs/webhooks/webhooks-api")
        .with_signature(Source::header("x-vercel-signature"), Grammar::Plain)
        .with_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/type")])
}
