use http::Method;

use super::HOUR;
use crate::signature::{Grammar, Handshake, Reply, ReplyValue, Scheme, Source};

/// Microsoft Graph change notifications: `clientState` of every item in `value`
/// must equal the one that the subscription was made with.
///
/// Nothing is signed: the state proves the sender, not the content, and anyone
/// who sees one delivery has it. Rich notifications also hold
/// `validationTokens` and encrypted content; neither is read here. Graph sends
/// no event id; a delivery is known by its body. It retries for four hours. The
/// POST with a `validationToken` that registers the URL is answered, whoever
/// sends it.
#[doc = example!("microsoft_graph", "a-long-random-state", r#"{"value":[{"subscriptionId":"1","changeType":"updated","resource":"me/messages/1"}]}"#)]
#[must_use]
pub fn microsoft_graph() -> Scheme {
    Scheme::token("microsoft_graph")
        .with_reference(
            "https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
        )
        .with_each("/value")
        .with_signature(Source::pointer("/clientState"), Grammar::Plain)
        .with_event_type([Source::pointer("/value/0/changeType")])
        .with_retry_horizon(4 * HOUR)
        .with_handshake(
            Handshake::unsigned(Method::POST)
                .when(Source::query("validationToken"))
                .with_reply(Reply::text(ReplyValue::echo(Source::query(
                    "validationToken",
                )))),
        )
}
