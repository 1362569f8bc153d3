use crate::signature::{Grammar, Scheme, Source};

const REFERENCE: &str = "https://docs.vapi.ai/server-url/server-authentication";

/// Vapi with a bearer token: `Authorization: Bearer <token>`.
///
/// Nothing is signed: the token proves the sender, not the content. Many of
/// Vapi's messages wait for an answer of the handler's, as tool calls do: those
/// must not be deduplicated. A credential of Vapi's kind `HMAC` chooses header,
/// hash and content itself; describe it with [`Scheme::hmac`].
#[doc = example!("vapi_bearer", "n0b0dy-kn0ws", r#"{"message":{"type":"status-update"}}"#)]
#[must_use]
pub fn vapi_bearer() -> Scheme {
    Scheme::token("vapi_bearer")
        .with_reference(REFERENCE)
        .with_signature(
            Source::header("authorization"),
            Grammar::authorization("Bearer"),
        )
        .with_event_type([Source::pointer("/message/type")])
}

/// Vapi with a secret: `X-Vapi-Secret` must equal it. See [`vapi_bearer`] for
/// what is not signed.
#[must_use]
pub fn vapi_secret() -> Scheme {
    Scheme::token("vapi_secret")
        .with_reference(REFERENCE)
        .with_signature(Source::header("x-vapi-secret"), Grammar::Plain)
        .with_event_type([Source::pointer("/message/type")])
}
