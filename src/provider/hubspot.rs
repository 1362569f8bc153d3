use http::Method;

use crate::signature::{
    Encoding, Grammar, Hash, Part, PublicUrl, Scheme, Source, TimestampRule, UrlForm,
};

const REFERENCE: &str = "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation";

/// HubSpot, version 3: `X-HubSpot-Signature-v3: <base64>`, HMAC-SHA256 over
/// `{method}{url}{body}{X-HubSpot-Request-Timestamp}`.
///
/// The timestamp is in milliseconds. HubSpot asks to refuse what is older than
/// five minutes; that it must not be more than five minutes ahead either is
/// decided here. The secret is the app's client secret.
///
/// HubSpot's page asks to decode twelve percent-escapes in the URL before it is
/// signed ([`UrlForm::Unescaped`]); its libraries for Node and Python sign the
/// URL that they are given. The page counts here.
///
/// Batches hold several events, and `attemptNumber` in them changes with every
/// retry; `eventId` is not guaranteed to be unique. So deliveries are known by
/// what was signed, and a retry is another delivery.
///
/// The older signatures ([`hubspot_v1`], [`hubspot_v2`]) come along on the same
/// requests and are not read.
#[doc = example!(url "hubspot_v3", "yyyyyyyy-yyyy", r#"[{"eventId":1,"subscriptionType":"contact.creation"}]"#)]
#[must_use]
pub fn hubspot_v3(url: PublicUrl) -> Scheme {
    Scheme::hmac("hubspot_v3", Hash::Sha256)
        .with_reference(REFERENCE)
        .with_methods([Method::POST, Method::GET])
        .with_public_url(url)
        .with_content([
            Part::Method,
            Part::Url(UrlForm::Unescaped),
            Part::Body,
            Part::Timestamp,
        ])
        .with_signature(Source::header("x-hubspot-signature-v3"), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_timestamp(TimestampRule::millis(Source::header(
            "x-hubspot-request-timestamp",
        )))
}

/// HubSpot, version 1: `X-HubSpot-Signature: <hex>`, SHA-256 over
/// `{secret}{body}`.
///
/// Weak; use [`hubspot_v3`]. It is no HMAC: whoever knows one signature can
/// compute that of the same body with something of their choice behind it
/// (length extension). Such a body is not JSON, so that a handler that parses
/// strictly refuses it, but it does pass here. Nothing else is signed: no
/// timestamp, no URL.
///
/// The header `X-HubSpot-Signature-Version` must say `v1`. It is not signed, so
/// do not accept this version and [`hubspot_v2`] with the same secret: the
/// method, URL and body of one are a body of the other.
#[doc = example!("hubspot_v1", "yyyyyyyy-yyyy", r#"[{"eventId":1}]"#)]
#[must_use]
pub fn hubspot_v1() -> Scheme {
    Scheme::hash("hubspot_v1", Hash::Sha256)
        .with_reference(REFERENCE)
        .with_content([Part::Secret, Part::Body])
        .with_signature(Source::header("x-hubspot-signature"), Grammar::Plain)
        .with_fixed_header("x-hubspot-signature-version", "v1")
}

/// HubSpot, version 2: `X-HubSpot-Signature: <hex>`, SHA-256 over
/// `{secret}{method}{url}{body}`.
///
/// Weak, as [`hubspot_v1`] is; use [`hubspot_v3`]. HubSpot signs workflow
/// actions and CRM cards with it, the latter as GET. A card is an answer that
/// HubSpot waits for: do not deduplicate it. No timestamp is signed.
///
/// The header `X-HubSpot-Signature-Version` must say `v2`.
#[doc = example!(url "hubspot_v2", "yyyyyyyy-yyyy", r#"{"object":1}"#)]
#[must_use]
pub fn hubspot_v2(url: PublicUrl) -> Scheme {
    Scheme::hash("hubspot_v2", Hash::Sha256)
        .with_reference(REFERENCE)
        .with_methods([Method::POST, Method::GET])
        .with_public_url(url)
        .with_content([
            Part::Secret,
            Part::Method,
            Part::Url(UrlForm::AsIs),
            Part::Body,
        ])
        .with_signature(Source::header("x-hubspot-signature"), Grammar::Plain)
        .with_fixed_header("x-hubspot-signature-version", "v2")
}
