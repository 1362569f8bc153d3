use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Clerk: `svix-signature: v1,<base64> …`, HMAC-SHA256 over
/// `{svix-id}.{svix-timestamp}.{body}`.
///
/// Delivered through Svix, as [`svix`](super::svix) describes; a `whsec_…`
/// secret, which is decoded.
#[doc = example!("clerk", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", r#"{"type":"user.created","data":{}}"#)]
#[must_use]
pub fn clerk() -> Scheme {
    standard(
        "clerk",
        Source::header("svix-id"),
        Source::header("svix-timestamp"),
        Source::header("svix-signature"),
    )
    .with_reference("https://clerk.com/docs/references/backend/verify-webhook")
}
