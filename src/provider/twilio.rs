use http::Method;

use crate::signature::{
    Encoding, Grammar, Hash, Part, PublicUrl, RepeatedNames, Scheme, Source, UrlForm,
};

/// Twilio: `X-Twilio-Signature: <base64>`, HMAC-SHA1 over `{url}{form}`.
///
/// `form` is the names and values of a form body, sorted; a repeated pair counts
/// once. Of any other body Twilio puts the SHA-256 into the URL as `bodySHA256`,
/// and signs the URL alone. A body that is neither a form nor bound like that is
/// refused. GET carries everything in the URL.
///
/// Twilio adds `bodySHA256`, and for GET all parameters, to the URL that it was
/// given: those need [`PublicUrl::base`] (or `behind`). With
/// [`PublicUrl::registered`] only forms can be verified.
///
/// The secret is the primary auth token; the secondary one signs nothing until
/// it is promoted. No timestamp is signed. `I-Twilio-Idempotency-Token` is the
/// same over the retries of one delivery, as Twilio's own Agent Connect uses it,
/// and is not signed. Neither is the method, nor where a name, a value or the
/// URL ends: a captured delivery can be cut in another way, and still is the
/// same event to deduplication.
///
/// A webhook that Twilio expects TwiML from must not be deduplicated: the empty
/// answer to a repeated one would end the call.
///
/// Twilio's libraries differ. Decided here: the URL counts with and without its
/// port, as in all of them; its bytes count as they were sent, while the one for
/// Node parses and writes it again, in newer versions also with its query
/// escaped in another way; names are sorted before values are appended, and
/// values are not trimmed.
#[doc = example!(url "twilio", "12345", r#"{"MessageSid":"SM1"}"#)]
#[must_use]
pub fn twilio(url: PublicUrl) -> Scheme {
    Scheme::hmac("twilio", Hash::Sha1)
        .with_reference("https://www.twilio.com/docs/usage/webhooks/webhooks-security")
        .with_methods([Method::POST, Method::GET])
        .with_public_url(url)
        .with_content([
            Part::Url(UrlForm::EitherPort),
            Part::SortedForm {
                repeated: RepeatedNames::EachPairOnce,
                digest: Some("bodySHA256".into()),
            },
        ])
        .with_signature(Source::header("x-twilio-signature"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_optional_event_id([Source::header("i-twilio-idempotency-token")])
}
