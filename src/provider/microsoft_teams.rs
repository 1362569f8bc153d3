use crate::signature::{Encoding, Grammar, Hash, Scheme, SecretEncoding, Source};

/// Outgoing webhooks of Microsoft Teams: `Authorization: HMAC <base64>`,
/// HMAC-SHA256 over the body.
///
/// The secret is the security token that Teams shows once, base64, and is
/// decoded. Signs no timestamp; messages are known by their body. The answer
/// is the reply that the channel shows, and Teams waits five seconds for it.
#[doc = example!("microsoft_teams", "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=", r#"{"type":"message","id":"1"}"#)]
#[must_use]
pub fn microsoft_teams() -> Scheme {
    Scheme::hmac("microsoft_teams", Hash::Sha256)
        .with_reference(
            "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook",
        )
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("HMAC"),
        )
        .with_encoding(Encoding::Base64)
        .with_secret_encoding(SecretEncoding::Base64 { prefix: "".into() })
        .with_event_type([Source::pointer("/type")])
}
