use http::header::AUTHORIZATION;

use crate::signature::{Encoding, Jwt, JwtAlgorithm, Scheme, Source};

/// LiveKit: `Authorization: <JWT>`, HS256, its claim `sha256` the SHA-256 of
/// the body in base64.
///
/// `api_key` is the key that signs, which the token names as its issuer; the
/// secret is that key's. The header holds the bare token, without `Bearer`.
/// LiveKit retries with the same token, which holds for five minutes. The
/// body's `id` is the event's.
///
/// # Example
///
/// ```
/// use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
///
/// let verifier = Verifier::new(provider::livekit("APIkey"), "secretsecretsecret")?;
/// let token = concat!(
///     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
///     "eyJpc3MiOiJBUElrZXkiLCJuYmYiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDMwMCwic2hh",
///     "MjU2IjoiYkMwQkoyMGJvNEJibTJkUTlkL0hVdHRickpqY3RxTUNYRGNoRG5uR1hIQT0ifQ.",
///     "NgjXc1wza9chYJGq1zjnlnvX8jjWm1y0Gwf-OQfKjnU",
/// );
/// let (parts, ()) = http::Request::post("/livekit")
///     .header("authorization", token)
///     .body(())
///     .unwrap()
///     .into_parts();
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let body = br#"{"id":"EV_1","event":"room_started","createdAt":"1700000000"}"#;
/// assert!(verifier.verify(&parts, body, now).is_ok());
///
/// let refused = verifier.verify(&parts, b"{}", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[must_use]
pub fn livekit(api_key: impl Into<String>) -> Scheme {
    let token = Jwt::in_header(AUTHORIZATION, JwtAlgorithm::Hs256)
        .with_issuers([api_key])
        .with_not_before()
        .with_expiry()
        .with_body_hash("sha256", Encoding::Base64);
    Scheme::jwt("livekit", token)
        .with_reference("https://docs.livekit.io/home/server/webhooks/")
        .with_optional_event_id([Source::pointer("/id")])
        .with_event_type([Source::pointer("/event")])
}
