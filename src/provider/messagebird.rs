use std::time::Duration;

use http::{HeaderName, Method};

use crate::signature::{Encoding, Jwt, JwtAlgorithm, PublicUrl, Scheme};

/// MessageBird: `MessageBird-Signature-JWT: <JWT>`, HS256, its claims
/// `url_hash` and `payload_hash` the SHA-256 of the URL and of the body in hex.
///
/// `url` is the one that MessageBird sends to, as it sees it, with its query:
/// status reports are GET requests whose content is in the query. The secret is
/// the signing key as text. A request without a body has no `payload_hash`.
/// Tokens hold for a minute; as in MessageBird's own libraries, the clock may
/// be off by a second. There is no event id: an event is known by its content
/// and the time of its token.
///
/// For the webhooks of Bird, its successor, see its own presets.
///
/// # Example
///
/// ```
/// use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
/// use tower_webhook::signature::PublicUrl;
///
/// let url = PublicUrl::base("https://example.com")?;
/// let verifier = Verifier::new(provider::messagebird(url), "secretsecretsecret")?;
/// let token = concat!(
///     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
///     "eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAwMDYw",
///     "LCJqdGkiOiIxIiwidXJsX2hhc2giOiIzYjVkNTlkY2RkMmZhNDkwZmU0YzRhMzIxZTcwY2Iy",
///     "ZTZhMTQ4OGQ4ZGFmOTliZmYwNzJlZGNlM2QyZWU0ZDE5IiwicGF5bG9hZF9oYXNoIjoiZTc3",
///     "MzMyYTI0NTNkNDY3MGZiNDk3MmUwMTdiOWE2ZTQ2NDRhOWM3NDQxYWRiMTEyMjJkNjJjNjg0",
///     "YmJmYmJmNiJ9.",
///     "0LfXU7dR1sCKKJWoqRbvUCEu2-F_vNhaamif2UDThuI",
/// );
/// let (parts, ()) = http::Request::post("/messagebird?x=1")
///     .header("messagebird-signature-jwt", token)
///     .body(())
///     .unwrap()
///     .into_parts();
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let body = br#"id=1&status=delivered"#;
/// assert!(verifier.verify(&parts, body, now).is_ok());
///
/// let refused = verifier.verify(&parts, b"id=1&status=failed", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[must_use]
pub fn messagebird(url: PublicUrl) -> Scheme {
    let header = HeaderName::from_static("messagebird-signature-jwt");
    let token = Jwt::in_header(header, JwtAlgorithm::Hs256)
        .with_issuers(["MessageBird"])
        .with_not_before()
        .with_expiry()
        .with_leeway(Duration::from_secs(1))
        .with_url_hash("url_hash")
        .with_body_hash("payload_hash", Encoding::Hex)
        .with_empty_body_unhashed();
    Scheme::jwt("messagebird", token)
        .with_reference("https://developers.messagebird.com/api/#verifying-http-requests")
        .with_methods([Method::GET, Method::POST])
        .with_public_url(url)
}
