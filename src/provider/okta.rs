use http::Method;

use crate::signature::{Grammar, Handshake, Reply, ReplyValue, Scheme, Source};

/// Okta event hooks: the `Authorization` header must equal the configured
/// authentication secret, as it is, without a scheme in front.
///
/// Nothing is signed: the secret proves the sender, not the content. Where
/// another header was chosen as the authentication field, name it with
/// [`Scheme::with_signature`]. A delivery holds several events, each with an id
/// of its own, so deliveries are known by their body. Okta wants an empty 200
/// or 204 within three seconds. The GET that verifies the endpoint is answered
/// with its challenge, whoever sends it.
#[doc = example!("okta", "my-shared-secret", r#"{"data":{"events":[]}}"#)]
#[must_use]
pub fn okta() -> Scheme {
    let challenge = || Source::header("x-okta-verification-challenge");
    Scheme::token("okta")
        .with_reference("https://developer.okta.com/docs/concepts/event-hooks/")
        .with_signature(Source::header("authorization"), Grammar::Plain)
        .with_handshake(
            Handshake::unsigned(Method::GET)
                .when(challenge())
                .with_reply(Reply::json([(
                    "verification",
                    ReplyValue::echo(challenge()),
                )])),
        )
}
