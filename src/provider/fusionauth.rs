use http::HeaderName;

use crate::signature::{Encoding, Jwt, JwtAlgorithm, Scheme, Source};

/// FusionAuth: `X-FusionAuth-Signature-JWT: <JWT>`, its claim
/// `request_body_sha256` the SHA-256 of the body in base64.
///
/// `algorithm` is that of the key which is chosen for the webhook: HS256 with
/// the key's text as the secret, or RS256, ES256 or EdDSA with the public key
/// in PEM, or looked up by its `kid` in your FusionAuth's
/// `/.well-known/jwks.json` (`keys::JwkSetKeys`, feature `fetch`). Signing is
/// off by default, and since FusionAuth 1.48. The token holds no time, so that
/// a captured request is fresh forever: keep deduplication on.
///
/// A transactional webhook decides whether FusionAuth's own operation succeeds:
/// it takes any status but 2xx as a failure.
///
/// # Example
///
/// ```
/// use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
/// use tower_webhook::signature::JwtAlgorithm;
///
/// let verifier = Verifier::new(provider::fusionauth(JwtAlgorithm::Hs256), "secretsecretsecret")?;
/// let token = concat!(
///     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
///     "eyJyZXF1ZXN0X2JvZHlfc2hhMjU2IjoiM2xqTmtVQ05LUzBZTVJNcWkrRkg5anJiL0thKzRk",
///     "REJvNjg4UUw5Snc1VT0ifQ.",
///     "h1rfY-8Ync91JkzgdfD34qgKf3SRGP5KURETZuUichE",
/// );
/// let (parts, ()) = http::Request::post("/fusionauth")
///     .header("x-fusionauth-signature-jwt", token)
///     .body(())
///     .unwrap()
///     .into_parts();
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let body = br#"{"event":{"id":"f1","type":"user.create"}}"#;
/// assert!(verifier.verify(&parts, body, now).is_ok());
///
/// let refused = verifier.verify(&parts, b"{}", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[must_use]
pub fn fusionauth(algorithm: JwtAlgorithm) -> Scheme {
    let header = HeaderName::from_static("x-fusionauth-signature-jwt");
    let token =
        Jwt::in_header(header, algorithm).with_body_hash("request_body_sha256", Encoding::Base64);
    Scheme::jwt("fusionauth", token)
        .with_reference("https://fusionauth.io/docs/extend/events-and-webhooks/signing")
        .with_optional_event_id([Source::pointer("/event/id")])
        .with_event_type([Source::pointer("/event/type")])
}
