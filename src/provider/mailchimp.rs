use http::Method;

use super::{HOUR, Unsigned};
use crate::signature::{Grammar, Handshake, Scheme, Source};

/// Mailchimp Marketing, which signs nothing. Hide the endpoint behind a token
/// in its URL:
///
/// ```
/// use tower_webhook::{Verifier, provider};
///
/// // Registered at Mailchimp as https://example.com/mailchimp?token=n0b0dy-kn0ws
/// let scheme = provider::mailchimp().with_token_in_query("token");
/// let verifier = Verifier::new(scheme, "n0b0dy-kn0ws")?;
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
///
/// The body is a form and holds no id of the event; deliveries are known by
/// their body. The handler has ten seconds; retries come for 75 minutes.
/// Mailchimp Transactional (Mandrill) is another product, which signs. When the
/// webhook is saved, the URL is tried with a GET, which is answered with 200.
#[must_use]
pub fn mailchimp() -> Unsigned {
    Unsigned::new(
        Scheme::token("mailchimp")
            .with_reference(
                "https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/",
            )
            .with_signature(Source::query("token"), Grammar::Plain)
            .with_retry_horizon(2 * HOUR)
            .with_handshake(Handshake::unsigned(Method::GET)),
    )
}
