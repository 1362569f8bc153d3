use super::Unsigned;
use crate::signature::{Grammar, Scheme, Source};

/// Pingdom, which signs nothing and sends no secret. Hide the endpoint behind
/// a token in its URL:
///
/// ```
/// use tower_webhook::{Verifier, provider};
///
/// // Registered at Pingdom as https://example.com/pingdom?token=n0b0dy-kn0ws
/// let scheme = provider::pingdom().with_token_in_query("token");
/// let verifier = Verifier::new(scheme, "n0b0dy-kn0ws")?;
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
///
/// A change of state is known by its check, time and new state. Nothing
/// published says that alerts come from Pingdom's probe addresses, so an
/// allowlist of those may refuse genuine ones.
#[must_use]
pub fn pingdom() -> Unsigned {
    Unsigned::new(
        Scheme::token("pingdom")
            .with_reference("https://www.pingdom.com/resources/webhooks/")
            .with_signature(Source::query("token"), Grammar::Plain)
            .with_event_id([
                Source::pointer("/check_id"),
                Source::pointer("/state_changed_timestamp"),
                Source::pointer("/current_state"),
            ])
            .with_event_type([Source::pointer("/current_state")]),
    )
}
