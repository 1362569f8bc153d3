//! Two genuine deliveries have one key if, and only if, they are one event.

#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::dedup::DedupLayer;
use tower_webhook::delivery::{EventId, Tenant};
use tower_webhook::store::DedupKey;
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::{Secret, Secrets, Timestamp, VerifiedBody, Verifier, WebhookLayer};
use tower_webhook_fuzz::body::{Chunked, block_on};
use tower_webhook_fuzz::events::{Event, Shape, body, scheme};
use tower_webhook_fuzz::oracle::NOW;
use tower_webhook_fuzz::recorder::Recorder;
use tower_webhook_fuzz::spelling::Choices;

const SECRETS: [&str; 2] = ["an-older-secret", "a-secret"];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    shape: Shape,
    first: Delivery,
    second: Delivery,
    /// Which fields the second has as the first has them, one bit each.
    alike: u8,
    /// All names and ids, cut where the deliveries say.
    text: &'a [u8],
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Delivery {
    /// Where provider, endpoint, tenant, and two ids end.
    cuts: [u8; 5],
    has_tenant: bool,
    late: u8,
    older_secret: bool,
    /// How many ids there are, where there may be several.
    ids: u8,
    spelling: [u8; 12],
}

/// What the event must be known by, within its provider, endpoint and tenant.
#[derive(Debug, PartialEq)]
enum KnownBy {
    Ids(Vec<String>),
    Bytes(i64, Vec<u8>),
    Mac(&'static str, Vec<u8>),
    Fields(Vec<(String, String)>),
}

fuzz_target!(|input: Input<'_>| {
    let text = String::from_utf8_lossy(input.text);
    let mut second = input.second;
    for (bit, cut) in second.cuts.iter_mut().enumerate() {
        if input.alike & (1 << bit) != 0 {
            *cut = input.first.cuts[bit];
        }
    }
    if input.alike & 1 << 5 != 0 {
        second.has_tenant = input.first.has_tenant;
        second.ids = input.first.ids;
        second.late = input.first.late;
    }
    let first = Sent::new(input.shape, input.first, &text);
    let second = Sent::new(input.shape, second, &text);
    let (Some(keys), Some(others)) = (first.keys(), second.keys()) else {
        return;
    };

    let context = || format!("{first:?}\n{second:?}");
    let same_scope = first.scope() == second.scope();
    let same_event = same_scope && first.known_by() == second.known_by();
    assert_eq!(keys.event == others.event, same_event, "{}", context());
    if let (Some(key), Some(other)) = (keys.replay, others.replay) {
        let same = same_scope && first.replay() == second.replay();
        assert_eq!(key == other, same, "{}", context());
    }
    assert_eq!(keys.replay.is_some(), others.replay.is_some());
    for other in [&keys, &others] {
        for replay in [keys.replay, others.replay].into_iter().flatten() {
            assert_ne!(other.event, replay, "{}", context());
        }
    }
});

struct Keys {
    event: DedupKey,
    replay: Option<DedupKey>,
}

#[derive(Debug)]
struct Sent<'t> {
    shape: Shape,
    event: Event<'t>,
    secret: &'static str,
    at: i64,
    body: String,
}

impl<'t> Sent<'t> {
    fn new(shape: Shape, delivery: Delivery, text: &'t str) -> Self {
        let mut rest = text;
        let mut take = |cut: u8| {
            let at = usize::from(cut) % (rest.len() + 1);
            let at = (at..)
                .find(|at| rest.is_char_boundary(*at))
                .expect("the end");
            let (piece, behind) = rest.split_at(at);
            rest = behind;
            piece
        };
        let [provider, endpoint, tenant, a, b] = delivery.cuts.map(&mut take);
        let mut ids = vec![a, b];
        ids.truncate(match shape {
            Shape::JsonPair => 2,
            Shape::JsonBatch => usize::from(delivery.ids) % 3,
            Shape::OptionalJson => usize::from(delivery.ids) % 2,
            Shape::Content { .. } | Shape::SortedForm => 0,
            _ => 1,
        });
        let event = Event {
            provider,
            endpoint,
            tenant: delivery.has_tenant.then_some(tenant),
            ids,
            note: rest,
        };
        let choices = &mut Choices::new(&delivery.spelling);
        Self {
            shape,
            body: body(shape, &event, choices),
            event,
            secret: SECRETS[usize::from(!delivery.older_secret)],
            at: NOW.div_euclid(1000) - i64::from(delivery.late),
        }
    }

    fn scope(&self) -> (&str, &str, Option<&str>) {
        (self.event.provider, self.event.endpoint, self.event.tenant)
    }

    fn known_by(&self) -> KnownBy {
        match self.shape {
            Shape::SortedForm => KnownBy::Fields(vec![
                ("note".to_owned(), self.event.note.to_owned()),
                ("z".to_owned(), "1".to_owned()),
            ]),
            _ if self.event.ids.is_empty() => self.bytes(),
            _ => KnownBy::Ids(self.event.ids.iter().map(|id| (*id).to_owned()).collect()),
        }
    }

    fn bytes(&self) -> KnownBy {
        let timed = matches!(self.shape, Shape::Content { timed: true });
        let at = if timed { self.at } else { 0 };
        KnownBy::Bytes(at, self.body.clone().into_bytes())
    }

    /// What a delivery under another id is known by.
    fn replay(&self) -> KnownBy {
        match self.shape {
            Shape::UnsignedHeader { several: false } => {
                KnownBy::Mac(self.secret, self.body.clone().into_bytes())
            }
            _ => self.bytes(),
        }
    }

    /// Whether the ids can be told apart from each other and from nothing.
    fn has_usable_ids(&self) -> bool {
        let ids = &self.event.ids;
        let first = ids.first().copied().unwrap_or("x");
        let dotted = self.shape == Shape::SignedHeader && first.contains('.');
        let colon = self.shape == Shape::JsonPair && first.contains(':');
        let control = |id: &&str| id.chars().any(char::is_control);
        // A batch is known by a digest, whatever its ids are.
        let is_batch = self.shape == Shape::JsonBatch && ids.len() > 1;
        let length = ids.join(":").len();
        let short = (1..=255).contains(&length) || ids.is_empty();
        is_batch || !dotted && !colon && short && !ids.iter().any(|id| control(id))
    }

    /// The keys that are claimed for the delivery; `None` if it cannot be sent
    /// or must not be taken, which is what happens then.
    fn keys(&self) -> Option<Keys> {
        let id = self.event.ids.first().copied().unwrap_or("");
        let in_header = matches!(
            self.shape,
            Shape::SignedHeader | Shape::UnsignedHeader { .. }
        );
        if in_header && (HeaderValue::from_str(id).is_err() || !id.is_ascii()) {
            return None;
        }
        let scheme = scheme(self.shape, self.event.provider);
        let body = Bytes::from(self.body.clone());
        let signer = Signer::new(scheme.clone(), Secret::new(self.secret)).expect("a scheme");
        let mut request = signer
            .at(Timestamp::from_unix_seconds(self.at))
            .with_event_id(id)
            .sign("/hook", body)
            .map(|body| Chunked::new(body, &[], false));
        if self.shape == Shape::SortedForm {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert("content-type", form);
        }
        let tenant = self.event.tenant.map(Tenant::new);
        if let Some(tenant) = tenant.clone() {
            request.extensions_mut().insert(tenant);
        }

        let secrets: Secrets = SECRETS.into_iter().map(Secret::new).collect();
        let verifier = Verifier::new(scheme, secrets).expect("a scheme");
        let store = Arc::new(Recorder::default());
        let now = Timestamp::from_unix_seconds(NOW.div_euclid(1000));
        let layer = WebhookLayer::new(verifier)
            .with_clock(Arc::new(ManualClock::new(now)))
            .with_dedup(DedupLayer::new(store.clone()))
            .expect("events are remembered for long enough")
            .with_endpoint(self.event.endpoint);
        let handler = service_fn(async |_: Request<VerifiedBody>| {
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        });
        let response = block_on(layer.layer(handler).oneshot(request));
        let claimed = store.claimed();
        if !self.has_usable_ids() {
            assert_ne!(response.status(), StatusCode::OK, "{self:?}");
            assert!(claimed.is_empty(), "{self:?}");
            return None;
        }
        assert_eq!(response.status(), StatusCode::OK, "{self:?} {response:?}");
        let replaceable = matches!(self.shape, Shape::UnsignedHeader { .. });
        let keys = match claimed[..] {
            [event] if !replaceable => Keys {
                event,
                replay: None,
            },
            [replay, event] if replaceable => Keys {
                event,
                replay: Some(replay),
            },
            _ => panic!("{} rows {self:?}", claimed.len()),
        };

        if let (1, Ok(event_id)) = (self.event.ids.len(), EventId::new(id)) {
            // The operator's name for the event is the event's.
            let known = block_on(async {
                Ok(layer
                    .forget(tenant.as_ref(), &event_id)
                    .await
                    .expect("a store"))
            });
            assert!(known);
            assert_eq!(store.forgotten(), [keys.event], "{self:?}");
            for permit in store.claimed() {
                assert!(
                    permit != keys.event && Some(permit) != keys.replay,
                    "{self:?}"
                );
            }
        }
        Some(keys)
    }
}
