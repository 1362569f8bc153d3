//! What an operator sees (feature `tracing`).

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_webhook::dedup::DedupLayer;
use tower_webhook::provider;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support_dedup::*;

/// The messages of all events.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    fn has(&self, line: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|seen| seen == line)
    }
}

struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            *self.0 += &format!("{value:?}");
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        event.record(&mut Message(&mut line));
        self.lines.lock().unwrap().push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn c25_a_memory_shorter_than_the_retries_is_reported() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let receiver = Receiver::new(provider::stripe());
    let with_ttl = |hours: u64| {
        let ttl = Duration::from_secs(hours * 3600);
        let dedup = DedupLayer::in_memory().with_ttl(ttl).unwrap();
        receiver.layer.clone().with_dedup(dedup).unwrap()
    };
    let message = "events are forgotten before the provider stops retrying them";
    let _ = with_ttl(72);
    assert!(!log.has(message));
    // Another test that comes through the same place for the first time can
    // make `tracing` believe that nobody listens there.
    for _ in 0..1000 {
        tracing::callsite::rebuild_interest_cache();
        let _ = with_ttl(71);
        if log.has(message) {
            return;
        }
        std::thread::yield_now();
    }
    panic!("not reported");
}
