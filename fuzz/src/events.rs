//! Events of providers who name them in different ways.

use arbitrary::Arbitrary;
use tower_webhook::signature::{
    Grammar, Hash, Part, PublicUrl, RepeatedNames, Scheme, Source, TimestampRule, UrlForm,
};

use crate::content::ORIGIN;
use crate::spelling::{Choices, form, json_object, json_string};

/// What the scheme says of its events' names.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    SignedHeader,
    /// Beside a signature, of which there may be several or not.
    UnsignedHeader {
        several: bool,
    },
    Json,
    JsonPair,
    JsonBatch,
    Form,
    OptionalJson,
    /// By its bytes and, where one is signed, by its time.
    Content {
        timed: bool,
    },
    /// A form and a URL: by what is signed of them.
    SortedForm,
    Token,
}

/// What a delivery is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'t> {
    pub provider: &'t str,
    pub endpoint: &'t str,
    pub tenant: Option<&'t str>,
    pub ids: Vec<&'t str>,
    pub note: &'t str,
}

/// A body that says what the event is, in one of its spellings.
pub fn body(shape: Shape, event: &Event<'_>, choices: &mut Choices<'_>) -> String {
    let id = event.ids.first().copied().unwrap_or("");
    let note = json_string(event.note, choices);
    match shape {
        Shape::SignedHeader | Shape::UnsignedHeader { .. } | Shape::Content { .. } => {
            event.note.to_owned()
        }
        Shape::Json | Shape::Token | Shape::OptionalJson => {
            let mut members = vec![("note", note)];
            members.extend(event.ids.iter().map(|id| ("id", json_string(id, choices))));
            json_object(members, choices)
        }
        Shape::JsonPair => {
            let [a, b] = event.ids[..] else {
                unreachable!("two ids")
            };
            let (a, b) = (json_string(a, choices), json_string(b, choices));
            json_object(vec![("note", note), ("a", a), ("b", b)], choices)
        }
        Shape::JsonBatch => {
            let items: Vec<String> = event
                .ids
                .iter()
                .map(|id| {
                    let id = json_string(id, choices);
                    json_object(vec![("x", "1".to_owned()), ("id", id)], choices)
                })
                .collect();
            let items = format!("[{}]", items.join(","));
            json_object(vec![("note", note), ("e", items)], choices)
        }
        Shape::Form => form(vec![("note", event.note), ("id", id)], choices),
        Shape::SortedForm => form(vec![("z", "1"), ("note", event.note)], choices),
    }
}

/// The scheme of a provider.
pub fn scheme(shape: Shape, provider: &str) -> Scheme {
    // A provider has a name.
    let name = format!("p{provider}");
    let hmac = Scheme::hmac(name.clone(), Hash::Sha256)
        .with_signature(Source::header("x-sign"), Grammar::Plain);
    let at = TimestampRule::seconds(Source::header("x-time"));
    let timed = [Part::Timestamp, Part::literal("."), Part::Body];
    let id = || [Source::pointer("/id")];
    match shape {
        Shape::SignedHeader => hmac
            .with_content([
                Part::EventId,
                Part::literal("."),
                Part::Timestamp,
                Part::literal("."),
                Part::Body,
            ])
            .with_timestamp(at)
            .with_event_id([Source::header("x-id")]),
        Shape::UnsignedHeader { several } => {
            let grammar = match several {
                true => Grammar::fields(',', "v1"),
                false => Grammar::Plain,
            };
            hmac.with_signature(Source::header("x-sign"), grammar)
                .with_event_id([Source::header("x-id")])
        }
        Shape::Json => hmac.with_event_id(id()),
        Shape::JsonPair => hmac.with_event_id([Source::pointer("/a"), Source::pointer("/b")]),
        Shape::JsonBatch => hmac.with_optional_event_id([Source::pointer("/e/*/id")]),
        Shape::Form => hmac.with_event_id([Source::form("id")]),
        Shape::OptionalJson => hmac.with_optional_event_id(id()),
        Shape::Content { timed: false } => hmac,
        Shape::Content { timed: true } => hmac.with_content(timed).with_timestamp(at),
        Shape::SortedForm => hmac
            .with_content([
                Part::Url(UrlForm::EitherPort),
                Part::SortedForm {
                    repeated: RepeatedNames::EachPairOnce,
                    digest: None,
                },
            ])
            .with_public_url(PublicUrl::base(ORIGIN).expect("a URL")),
        Shape::Token => Scheme::token(name)
            .with_signature(Source::header("x-sign"), Grammar::Plain)
            .with_event_id(id()),
    }
}
