use http::Method;

use crate::signature::{
    Encoding, Grammar, Handshake, Hash, Part, PublicUrl, RepeatedNames, Scheme, Source, UrlForm,
};

/// Mandrill (Mailchimp Transactional): `X-Mandrill-Signature: <base64>`,
/// HMAC-SHA1 over `{url}{form}`.
///
/// `url` is the webhook's URL exactly as it was entered, with its query: prefer
/// [`PublicUrl::registered`]. `form` is the names and values of the form body,
/// sorted by name; in practice one, `mandrill_events`, which holds a JSON array.
/// What a repeated name would mean is not documented, so it is refused, as is
/// every body that is not a form.
///
/// The secret is the webhook's authentication key, as text. Ids and types are
/// inside the array, so deliveries are known by what was signed. No timestamp is
/// signed.
///
/// When a webhook is created, Mandrill sends a HEAD request that must be
/// answered with 200, and is.
#[doc = example!(url "mandrill", "wr_JeJNO9OI65", r#"mandrill_events=%5B%5D"#)]
#[must_use]
pub fn mandrill(url: PublicUrl) -> Scheme {
    Scheme::hmac("mandrill", Hash::Sha1)
        .with_reference(
            "https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/",
        )
        .with_public_url(url)
        .with_content([
            Part::Url(UrlForm::AsIs),
            Part::SortedForm {
                repeated: RepeatedNames::Refused,
                digest: None,
            },
        ])
        .with_signature(Source::header("x-mandrill-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_handshake(Handshake::unsigned(Method::HEAD))
}
