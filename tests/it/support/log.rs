//! Everything that is logged, at every level, as text.

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static LOG: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What this thread logs from its start on.
#[derive(Debug)]
pub struct Log(());

impl Log {
    /// One subscriber serves all threads: whether a place logs at all is
    /// decided once for the process, by whoever comes to it first, and would
    /// be decided against it by a thread without one.
    pub fn start() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| tracing::subscriber::set_global_default(Writer).unwrap());
        tracing::callsite::rebuild_interest_cache();
        LOG.set(Some(String::new()));
        Self(())
    }

    pub fn take(&self) -> String {
        LOG.replace(Some(String::new())).unwrap()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

struct Writer;

impl Writer {
    fn write(&self, metadata: Option<&Metadata<'_>>, record: impl FnOnce(&mut dyn Visit)) {
        LOG.with_borrow_mut(|log| {
            let Some(text) = log else { return };
            if let Some(metadata) = metadata {
                let (target, name) = (metadata.target(), metadata.name());
                write!(text, "{} {target} {name}", metadata.level()).unwrap();
            }
            record(&mut Fields(text));
            text.push('\n');
        });
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
