use std::time::Duration;

use http::HeaderName;

use super::DAY;
use crate::signature::{Encoding, Jwt, JwtAlgorithm, Scheme, Source};

/// Plaid: `Plaid-Verification: <JWT>`, ES256, its claim `request_body_sha256`
/// the SHA-256 of the body in hex.
///
/// The key is looked up by the token's `kid`, with your credentials: see
/// `keys::PlaidKeys` (feature `fetch`), or write a
/// [`KeyResolver`](crate::keys::KeyResolver) over
/// `/webhook_verification_key/get` and [`PublicKey::from_jwk`], in
/// [`CachedKeys`](crate::keys::CachedKeys). A key that Plaid has expired is
/// refused. A token may be five minutes old.
///
/// There is no event id, and two events can have the same body
/// (`SYNC_UPDATES_AVAILABLE` says only which item), so an event is known by its
/// body and the time of its token: a retry that Plaid signs anew is processed
/// again. The event type is `webhook_code`. Retries for a day, with growing
/// delays, on anything but 200 within 10 seconds, unless more than 90 % of a
/// day's deliveries were refused.
///
/// [`PublicKey::from_jwk`]: crate::signature::PublicKey::from_jwk
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use tower_webhook::keys::{AsyncVerifier, MemoryKeys};
/// use tower_webhook::signature::{KeyName, PublicKey};
/// use tower_webhook::{RejectionKind, Timestamp, provider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = MemoryKeys::new();
/// keys.insert(
///     KeyName::Id("kid-1".into()),
///     PublicKey::from_jwk(
///         br#"{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"kid-1",
///              "x":"npAQrkmy3QfN3vIGc6wIw-bpkyW2X_JTcZQSG6dk8ko",
///              "y":"cqwJ-z2MhQrlN4z7AAeE-ZeAt0wn-7RiBcX9koTb7Tc",
///              "created_at":1699999900,"expired_at":null}"#,
///     )?,
/// );
/// let verifier = AsyncVerifier::with_keys(provider::plaid(), Arc::new(keys))?;
///
/// let token = concat!(
///     "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC0xIiwidHlwIjoiSldUIn0.",
///     "eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiIzYjRkZjBiOTg2ODMz",
///     "MDkwNDYzMjg2ZDk5Mzc4ODAxMDg0YTk1ZDI0NDZmZGIxNzlhOTA1ZWVhYTIyNzQ3ZTA2In0.",
///     "bDmAwd2pCGRoDTmQx0ZMXS4zU8d6VAkNprMG24shIQWwyDF9mYn3amJaVragDL0jRNY1jWxp",
///     "XUGRKYIDi-96MQ",
/// );
/// let (parts, ()) = http::Request::post("/plaid")
///     .header("plaid-verification", token)
///     .body(())?
///     .into_parts();
/// let body = "{\n  \"webhook_type\": \"ITEM\",\n  \"webhook_code\": \"ERROR\"\n}";
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// assert!(verifier.verify(&parts, body.into(), now).await.is_ok());
///
/// let refused = verifier.verify(&parts, "{}".into(), now).await.unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn plaid() -> Scheme {
    let header = HeaderName::from_static("plaid-verification");
    let token = Jwt::in_header(header, JwtAlgorithm::Es256)
        .with_max_age(Duration::from_secs(5 * 60))
        .with_body_hash("request_body_sha256", Encoding::Hex);
    Scheme::jwt("plaid", token)
        .with_reference("https://plaid.com/docs/api/webhooks/webhook-verification/")
        .with_event_type([Source::pointer("/webhook_code")])
        .with_retry_horizon(DAY)
}
