//! Everything that is logged, at every level, as text.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// What was logged on this thread since it was started.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<String>>);

impl Log {
    #[must_use]
    pub fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(Writer(log.clone()));
        (log, guard)
    }

    pub fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Writer(Log);

impl Writer {
    fn write(&self, metadata: Option<&Metadata<'_>>, record: impl FnOnce(&mut dyn Visit)) {
        let mut text = self.0.0.lock().unwrap();
        if let Some(metadata) = metadata {
            let (target, name) = (metadata.target(), metadata.name());
            write!(text, "{} {target} {name}", metadata.level()).unwrap();
        }
        record(&mut Fields(&mut text));
        text.push('\n');
    }
}

impl Subscriber for Writer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(Some(span.metadata()), |visitor| span.record(visitor));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.write(None, |visitor| values.record(visitor));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(Some(event.metadata()), |visitor| event.record(visitor));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields<'t>(&'t mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
