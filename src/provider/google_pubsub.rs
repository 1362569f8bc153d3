use super::DAY;
use crate::signature::{Jwt, JwtAlgorithm, Scheme, Source};

/// Google Cloud Pub/Sub push: `Authorization: Bearer <JWT>`, RS256, an OpenID
/// Connect token of the push subscription's service account.
///
/// `audience` is the subscription's, which is the URL of the endpoint unless
/// another is configured, and `service_account` the email address of its
/// service account: both must be in the token, as must `email_verified`.
/// Anybody on Google Cloud can have a token made for your audience; the account
/// is what makes it yours. Google's keys are looked up by the token's `kid`:
/// see `keys::JwkSetKeys::google` (feature `fetch`).
///
/// The token holds for an hour and says nothing of the body: whoever sees one
/// can send what they like with it for as long. An event is known by its
/// subscription and `messageId`, which stay the same over retries. Payloads
/// that are not wrapped have none in their body and are known by their content.
/// Retries until the message expires, seven days by default. A message may have
/// 10 MB, and a third more in base64: raise
/// [`with_max_body`](Scheme::with_max_body) if yours are larger than 700 kB.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use tower_webhook::keys::{AsyncVerifier, MemoryKeys};
/// use tower_webhook::{RejectionKind, Timestamp, provider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scheme = provider::google_pubsub(
///     "https://example.com/pubsub",
///     "pusher@my-project.iam.gserviceaccount.com",
/// );
/// // In production: JwkSetKeys::google()?
/// let keys = MemoryKeys::new();
/// let verifier = AsyncVerifier::with_keys(scheme, Arc::new(keys))?;
///
/// // The issuer is somebody else: refused before any key is looked up.
/// let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2V2aWwudGVzdCIsImV4cCI6MTcwMDAwMzYwMH0.AAAA";
/// let (parts, ()) = http::Request::post("/pubsub")
///     .header("authorization", format!("Bearer {token}"))
///     .body(())?
///     .into_parts();
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let refused = verifier.verify(&parts, "{}".into(), now).await.unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::UnexpectedValue);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn google_pubsub(audience: impl Into<String>, service_account: impl Into<String>) -> Scheme {
    let token = Jwt::bearer(JwtAlgorithm::Rs256)
        .with_issuers(["https://accounts.google.com", "accounts.google.com"])
        .with_audience(audience)
        .with_claim(["email"], service_account)
        .with_true_claim("email_verified")
        .with_expiry();
    Scheme::jwt("google_pubsub", token)
        .with_reference("https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions")
        .with_optional_event_id([
            Source::pointer("/subscription"),
            Source::pointer("/message/messageId"),
        ])
        .with_retry_horizon(7 * DAY)
}
