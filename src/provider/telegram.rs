use super::DAY;
use crate::signature::{Grammar, Scheme, Source};

/// Telegram bots: `X-Telegram-Bot-Api-Secret-Token` must equal the
/// `secret_token` of `setWebhook`, of 1 to 256 letters, digits, `_` and `-`.
///
/// Nothing is signed: the token proves the sender, not the content, and anyone
/// who sees one request has it. `update_id` stays the same over retries. The
/// type of an update is the name of its other key, so none is read. Telegram
/// keeps updates for a day.
#[doc = example!("telegram", "n0b0dy-kn0ws", r#"{"update_id":10000,"message":{"text":"hi"}}"#)]
#[must_use]
pub fn telegram() -> Scheme {
    Scheme::token("telegram")
        .with_reference("https://core.telegram.org/bots/api#setwebhook")
        .with_signature(
            Source::header("x-telegram-bot-api-secret-token"),
            Grammar::Plain,
        )
        .with_event_id([Source::pointer("/update_id")])
        .with_retry_horizon(DAY)
}
