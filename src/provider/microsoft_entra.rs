use super::DAY;
use crate::signature::{Jwt, JwtAlgorithm, Scheme};

/// Microsoft Entra: `Authorization: Bearer <JWT>`, RS256, an access token for
/// your application, as Azure Event Grid sends it.
///
/// `directory` is the id of the directory (tenant) that issues the tokens,
/// `audience` your application's id or its URI, and `client` the id of the
/// application that sends: without it, every application of the directory
/// could. For Event Grid that is
/// `4962773b-9cdb-44cf-a8bf-237846a00ab7`. Tokens of version 1 (`appid`) and
/// version 2 (`azp`) are taken. Microsoft's keys are looked up by the token's
/// `kid`: see `keys::JwkSetKeys::microsoft_entra` (feature `fetch`).
///
/// The token holds for an hour or longer and says nothing of the body: whoever
/// sees one can send what they like with it for as long. No event id is read,
/// as it depends on what is sent: for Event Grid's own schema add
/// `.with_event_id([Source::pointer("/*/id")])`, for CloudEvents
/// `.with_event_id([Source::pointer("/source"), Source::pointer("/id")])`.
/// Event Grid retries for a day.
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
/// let scheme = provider::microsoft_entra(
///     "11111111-1111-4111-8111-111111111111",
///     "api://my-webhook",
///     "4962773b-9cdb-44cf-a8bf-237846a00ab7",
/// );
/// // In production: JwkSetKeys::microsoft_entra("11111111-…")?
/// let keys = MemoryKeys::new();
/// let verifier = AsyncVerifier::with_keys(scheme, Arc::new(keys))?;
///
/// // The issuer is somebody else: refused before any key is looked up.
/// let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2V2aWwudGVzdCIsImV4cCI6MTcwMDAwMzYwMH0.AAAA";
/// let (parts, ()) = http::Request::post("/event-grid")
///     .header("authorization", format!("Bearer {token}"))
///     .body(())?
///     .into_parts();
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let refused = verifier.verify(&parts, "[]".into(), now).await.unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::UnexpectedValue);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn microsoft_entra(
    directory: &str,
    audience: impl Into<String>,
    client: impl Into<String>,
) -> Scheme {
    let token = Jwt::bearer(JwtAlgorithm::Rs256)
        .with_issuers([
            format!("https://sts.windows.net/{directory}/"),
            format!("https://login.microsoftonline.com/{directory}/v2.0"),
        ])
        .with_audience(audience)
        .with_claim(["azp", "appid"], client)
        .with_expiry();
    Scheme::jwt("microsoft_entra", token)
        .with_reference(
            "https://learn.microsoft.com/en-us/azure/event-grid/secure-webhook-delivery",
        )
        .with_retry_horizon(DAY)
}
