//! Deliveries one after the other through every layer, in pieces that the
//! fuzzer chooses: each answer is the one that a model of the stack gives, and
//! the model knows nothing of the pieces but what bytes arrive.

#![no_main]

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_webhook::client_ip::PeerAddr;
use tower_webhook::dedup::{DedupLayer, Duplicate, Handlers};
use tower_webhook::ip_allowlist::IpAllowlist;
use tower_webhook::signature::ConflictPolicy;
use tower_webhook::store::MemoryStore;
use tower_webhook::testing::{ManualClock, Signer};
use tower_webhook::{Clock, Secret, Timestamp, VerifiedBody, VerifyLayer, WebhookLayer};
use tower_webhook_fuzz::body::{Announced, Arrival, Chunked, block_on};
use tower_webhook_fuzz::oracle::{self, NOW, Preset};
use tower_webhook_fuzz::steps::{Delivery, Handler, Proof, Provider, Step};

const MAX_BODY: usize = 256;
const HOUR: u64 = 60 * 60;
/// For how long what may be another attempt is held, if no signed time says longer.
const LEASE: u64 = 30;
/// For how long an event is remembered.
const REMEMBERED: u64 = 96 * HOUR;
const HERE: [u8; 4] = [203, 0, 113, 7];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 7];

#[derive(Arbitrary, Debug)]
struct Input {
    provider: Provider,
    /// By hand, instead of by [`WebhookLayer`].
    composed: bool,
    steps: Vec<Step>,
}

/// What runs behind the layers, and what it was called with.
#[derive(Default)]
struct Behind {
    handler: Option<Handler>,
    calls: Vec<Bytes>,
    /// To be let go on.
    waits: bool,
}

type Service = BoxCloneSyncService<Request<Chunked>, Response<String>, &'static str>;

struct Stack {
    preset: &'static Preset,
    service: Service,
    handlers: Handlers,
    behind: Arc<Mutex<Behind>>,
    clock: Arc<ManualClock>,
    /// When what is known by this is forgotten, in seconds.
    done: HashMap<Known, u64>,
    /// When bytes are free again that came under an id that was done.
    held: HashMap<Known, u64>,
    /// What an id stands for, and when that is forgotten, where a provider
    /// never sends two bodies under one.
    bodies: HashMap<String, (Bytes, u64)>,
    seconds: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Known {
    Id(String),
    Bytes(i64, Vec<u8>),
}

static PRESETS: LazyLock<[&Preset; 4]> = LazyLock::new(|| {
    ["standard_webhooks", "github", "stripe", "calendly"].map(|name| {
        (0..=u8::MAX)
            .map(oracle::preset)
            .find(|preset| preset.name() == name)
            .expect("a preset")
    })
});

fuzz_target!(|input: Input| {
    let mut stack = Stack::new(PRESETS[input.provider as usize], input.composed);
    for step in input.steps.iter().take(8) {
        match *step {
            Step::Deliver(delivery) => stack.deliver(delivery, false),
            Step::Overtake(delivery) => stack.deliver(delivery, true),
            // Never to the second when something is forgotten.
            Step::Wait { sevens_of_hours } => {
                stack.wait(u64::from(sevens_of_hours) % 16 * 7 * HOUR)
            }
        }
    }
});

impl Stack {
    fn new(preset: &'static Preset, composed: bool) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(NOW)));
        let store = MemoryStore::new(64)
            .expect("not zero")
            .with_clock(clock.clone());
        let dedup = DedupLayer::new(Arc::new(store))
            .with_ttl(Duration::from_secs(REMEMBERED))
            .expect("longer than a lease");
        let handlers = dedup.handlers();
        let behind = Arc::new(Mutex::new(Behind::default()));
        let handler = service_fn({
            let behind = Arc::clone(&behind);
            move |request: Request<VerifiedBody>| {
                let behind = Arc::clone(&behind);
                let handler = {
                    let mut behind = behind.lock().expect("no panic");
                    behind.calls.push(request.into_body().into_bytes());
                    behind.handler.expect("set before")
                };
                async move {
                    while behind.lock().expect("no panic").waits {
                        tokio::task::yield_now().await;
                    }
                    let mut response = Response::new("handled".to_owned());
                    *response.status_mut() = handler.status().ok_or("the handler failed")?;
                    Ok::<_, &'static str>(response)
                }
            }
        });
        let verifier = preset.verifier.clone();
        let here = IpAllowlist::new(["203.0.113.0/24"]).expect("a network");
        let service = match composed {
            true => {
                let verify = VerifyLayer::new(verifier)
                    .with_clock(clock.clone())
                    .with_max_body(MAX_BODY)
                    .expect("not zero");
                let stack = ServiceBuilder::new()
                    .layer(tower_webhook::ip_allowlist::IpAllowlistLayer::new(here))
                    .layer(verify)
                    .layer(dedup);
                BoxCloneSyncService::new(stack.service(handler))
            }
            false => {
                let layer = WebhookLayer::new(verifier)
                    .with_clock(clock.clone())
                    .with_allowlist(here)
                    .with_max_body(MAX_BODY)
                    .expect("not zero")
                    .with_dedup(dedup)
                    .expect("remembered for long enough");
                BoxCloneSyncService::new(layer.layer(handler))
            }
        };
        Self {
            preset,
            service,
            handlers,
            behind,
            clock,
            done: HashMap::new(),
            held: HashMap::new(),
            bodies: HashMap::new(),
            seconds: 0,
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.seconds += seconds;
    }

    fn deliver(&mut self, delivery: Delivery, overtaken: bool) {
        let id = format!("evt_{}", delivery.id % 3);
        let note = "x".repeat(usize::from(delivery.body) % 8 * 40);
        let body = Bytes::from(format!(r#"{{"id":"{id}","note":"{note}"}}"#));
        let (request, genuine) = self.request(delivery, &id, &body);
        let (parts, bytes) = request.into_parts();
        let arrival = Arrival::of(&bytes, MAX_BODY);

        // In the order of the layers.
        let keys = self.keys(&id, &body);
        let is_held = keys.iter().any(|key| self.is_held(key));
        let is_done = !is_held && keys.iter().any(|key| self.is_done(key));
        let conflicts = self.preset.scheme.conflict() == ConflictPolicy::Reject
            && self
                .bodies
                .get(&id)
                .is_some_and(|(known, end)| *known != body && self.seconds < *end);
        let refused = if delivery.from_elsewhere {
            Some(403)
        } else if bytes.announces_more_than(MAX_BODY) {
            Some(413)
        } else if delivery.proof == Proof::Stale && self.preset.row.time.is_some() {
            Some(401)
        } else {
            match arrival {
                Arrival::TooLarge => Some(413),
                Arrival::Broken => Some(400),
                Arrival::Stalled => Some(408),
                Arrival::Whole if !genuine => Some(401),
                Arrival::Whole if is_held => Some(503),
                Arrival::Whole => conflicts.then_some(422),
            }
        };
        let runs = refused.is_none() && !is_done;
        let overtaken = overtaken && runs;
        let hangs_up = matches!(delivery.handler, Handler::LosesItsCaller(_)) && runs;

        let before = {
            let mut behind = self.behind.lock().expect("no panic");
            behind.handler = Some(delivery.handler);
            behind.waits = overtaken || hangs_up;
            behind.calls.len()
        };
        let request = Request::from_parts(parts, bytes);
        let service = self.service.clone();
        let again = request.clone();
        let behind = Arc::clone(&self.behind);
        let handlers = self.handlers.clone();
        let (answer, overtaking) = block_on(async move {
            let mut first = Box::pin(service.clone().oneshot(request));
            if !overtaken && !hangs_up {
                return Ok((Some(first.await), None));
            }
            while behind.lock().expect("no panic").calls.len() == before {
                tokio::select! {
                    biased;
                    answer = &mut first => panic!("answered too early: {answer:?}"),
                    () = tokio::task::yield_now() => {}
                }
            }
            let second = match overtaken {
                true => Some(service.oneshot(again).await),
                false => None,
            };
            let first = match hangs_up {
                true => {
                    drop(first);
                    behind.lock().expect("no panic").waits = false;
                    while handlers.running() > 0 {
                        tokio::task::yield_now().await;
                    }
                    None
                }
                false => {
                    behind.lock().expect("no panic").waits = false;
                    Some(first.await)
                }
            };
            Ok((first, second))
        });

        let context = || format!("{} {delivery:?} {answer:?}", self.preset.name());
        if let Some(overtaking) = &overtaking {
            let status = overtaking.as_ref().map(Response::status);
            assert_eq!(status, Ok(StatusCode::SERVICE_UNAVAILABLE), "{}", context());
        }
        let calls = self.behind.lock().expect("no panic").calls[before..].to_vec();
        assert_eq!(calls, vec![body.clone(); runs.into()], "{}", context());
        match answer.as_ref() {
            None => assert!(hangs_up),
            Some(Err(_)) => assert!(runs && delivery.handler.status().is_none(), "{}", context()),
            Some(Ok(response)) => {
                let expected = match refused {
                    Some(status) => StatusCode::from_u16(status).expect("a status"),
                    None if is_done => self.preset.scheme.success_status(),
                    None => delivery.handler.status().expect("no failure"),
                };
                assert_eq!(response.status(), expected, "{}", context());
                let is_duplicate = response.extensions().get::<Duplicate>().is_some();
                assert_eq!(is_duplicate, refused.is_none() && is_done, "{}", context());
                assert_eq!(response.body() == "handled", runs, "{}", context());
            }
        }

        if runs {
            self.bodies.insert(id, (body, self.seconds + REMEMBERED));
        }
        let succeeded = delivery
            .handler
            .status()
            .is_some_and(|status| status.is_success());
        if runs && succeeded {
            for key in keys {
                self.done.insert(key, self.seconds + REMEMBERED);
            }
        } else if refused.is_none() && is_done {
            // Other bytes under a known id may be captured ones of another event.
            for key in keys {
                if !self.is_done(&key) && matches!(key, Known::Bytes(..)) {
                    self.held.insert(key, self.seconds + LEASE);
                }
            }
        }
    }

    fn is_done(&self, key: &Known) -> bool {
        self.is_in(&self.done, key)
    }

    fn is_held(&self, key: &Known) -> bool {
        self.is_in(&self.held, key)
    }

    fn is_in(&self, ends: &HashMap<Known, u64>, key: &Known) -> bool {
        ends.get(key).is_some_and(|end| self.seconds < *end)
    }

    /// What the delivery is known by; for GitHub its bytes first.
    fn keys(&self, id: &str, body: &[u8]) -> Vec<Known> {
        let now = self.clock.now().unix_seconds();
        match self.preset.name() {
            "github" => vec![Known::Bytes(0, body.to_vec()), Known::Id(id.to_owned())],
            "calendly" => vec![Known::Bytes(now, body.to_vec())],
            _ => vec![Known::Id(id.to_owned())],
        }
    }

    /// A request, and whether the oracle takes it for genuine.
    fn request(&self, delivery: Delivery, id: &str, body: &Bytes) -> (Request<Chunked>, bool) {
        let late = match delivery.proof {
            Proof::Stale => 2 * HOUR,
            Proof::Genuine | Proof::Forged => 0,
        };
        let secret: Secret = match delivery.proof {
            Proof::Forged => self.preset.forger.clone(),
            Proof::Genuine | Proof::Stale => self.preset.secret.clone(),
        };
        let signer = Signer::new(self.preset.scheme.clone(), secret).expect("presets are valid");
        let at = self.clock.now().saturating_sub(Duration::from_secs(late));
        let mut request = signer.at(at).with_event_id(id).sign("/hook", body.clone());
        let peer = if delivery.from_elsewhere {
            ELSEWHERE
        } else {
            HERE
        };
        request
            .extensions_mut()
            .insert(PeerAddr::new((peer, 443).into()));
        let (parts, body) = request.into_parts();
        let now = self.clock.now().unix_millis();
        let genuine = self.preset.judge(&parts, &body, now).is_some();
        let announced = Announced::read(delivery.announced);
        let body = Chunked::lying(body, &delivery.frames, announced);
        (Request::from_parts(parts, body), genuine)
    }
}
