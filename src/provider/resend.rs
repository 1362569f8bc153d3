use super::standard_webhooks::standard;
use crate::signature::{Scheme, Source};

/// Resend: `svix-signature: v1,<base64> …`, HMAC-SHA256 over
/// `{svix-id}.{svix-timestamp}.{body}`.
///
/// Delivered through Svix, as [`svix`](super::svix) describes; a `whsec_…`
/// secret, which is decoded.
#[doc = example!("resend", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", r#"{"type":"email.sent","data":{}}"#)]
#[must_use]
pub fn resend() -> Scheme {
    standard(
        "resend",
        Source::header("svix-id"),
        Source::header("svix-timestamp"),
        Source::header("svix-signature"),
    )
    .with_reference("https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests")
}
