use super::HOUR;
use crate::signature::{Grammar, Scheme, Source};

/// Figma (webhooks v2): `passcode` in the body must equal the one that the
/// webhook was made with.
///
/// Nothing is signed: the passcode proves the sender, not the content, and
/// anyone who sees one delivery has it. Figma sends no event id; a delivery is
/// known by its body. It retries three times within four hours.
#[doc = example!("figma", "a-long-random-passcode", r#"{"event_type":"FILE_UPDATE","webhook_id":"22"}"#)]
#[must_use]
pub fn figma() -> Scheme {
    Scheme::token("figma")
        .with_reference("https://developers.figma.com/docs/rest-api/webhooks-security/")
        .with_signature(Source::pointer("/passcode"), Grammar::Plain)
        .with_event_type([Source::pointer("/event_type")])
        .with_retry_horizon(4 * HOUR)
}
