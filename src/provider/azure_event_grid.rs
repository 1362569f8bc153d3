use http::Method;

use super::DAY;
use crate::signature::{Grammar, Handshake, Reply, ReplyValue, Scheme, Source};

const REFERENCE: &str =
    "https://learn.microsoft.com/en-us/azure/event-grid/security-authentication";

/// Azure Event Grid with a client secret in the URL of the event subscription:
/// the query parameter `secret` must equal it, as in
/// `https://example.com/events?secret=…`; another name goes in with
/// [`Scheme::with_signature`].
///
/// Nothing is signed, and whoever sees the URL has the secret, of letters,
/// digits, `-`, `.`, `_` and `~`. A delivery in the Event Grid schema is an array
/// of events, by default of one, and is known by their topics and ids: an id is
/// unique within its topic. One in the CloudEvents schema is known by its body.
/// Event Grid retries for a day, except after 400, 401, 403 or 413: it drops such
/// an event, or dead-letters it. Give both secrets while the subscription changes
/// from one to the other.
///
/// The validation of a subscription is answered: that of Event Grid's schema if
/// it knows the secret, that of the CloudEvents schema for the origins that are
/// [configured](crate::WebhookLayer::with_allowed_origins), such as
/// `eventgrid.azure.net`.
#[doc = example!("azure_event_grid_query", "n0b0dy-kn0ws", r#"[{"topic":"/subscriptions/1/topics/t","id":"1"}]"#)]
#[must_use]
pub fn azure_event_grid_query() -> Scheme {
    Scheme::token("azure_event_grid_query")
        .with_reference(REFERENCE)
        .with_signature(Source::query("secret"), Grammar::Plain)
        .with_optional_event_id(ids())
        .with_event_type([Source::header("aeg-event-type")])
        .with_retry_horizon(DAY)
        .with_handshake(validation())
        .with_handshake(Handshake::cloud_events())
}

/// Azure Event Grid with a secret in a custom delivery property: the header
/// `X-Event-Grid-Key` must equal it; another name goes in with
/// [`Scheme::with_signature`]. See [`azure_event_grid_query`] for what is not
/// signed.
#[doc = example!("azure_event_grid_header", "n0b0dy-kn0ws", r#"[{"topic":"/subscriptions/1/topics/t","id":"1"}]"#)]
#[must_use]
pub fn azure_event_grid_header() -> Scheme {
    Scheme::token("azure_event_grid_header")
        .with_reference("https://learn.microsoft.com/en-us/azure/event-grid/delivery-properties")
        .with_signature(Source::header("x-event-grid-key"), Grammar::Plain)
        .with_optional_event_id(ids())
        .with_event_type([Source::header("aeg-event-type")])
        .with_retry_horizon(DAY)
        .with_handshake(validation())
        .with_handshake(Handshake::cloud_events())
}

/// <https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema>
fn validation() -> Handshake {
    Handshake::signed(Method::POST)
        .when_equals(Source::header("aeg-event-type"), "SubscriptionValidation")
        .with_reply(Reply::json([(
            "validationResponse",
            ReplyValue::echo(Source::pointer("/0/data/validationCode")),
        )]))
}

/// The topic first: it holds no colon, which joins the two.
fn ids() -> [Source; 2] {
    [Source::pointer("/*/topic"), Source::pointer("/*/id")]
}
