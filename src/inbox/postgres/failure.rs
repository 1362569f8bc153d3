/// Why a handler did not process an event, as a class: a word of your own for
/// the column `last_error` and the log. It is fixed text, so that nothing a
/// sender wrote gets there; what a handler has to say beyond it, it logs.
///
/// Every error is turned into one of class `error`, so that `?` works.
///
/// ```
/// use tower_webhook::inbox::{Failure, StoredEvent};
///
/// async fn handle(stored: StoredEvent) -> Result<(), Failure> {
///     let order: serde_json::Value = serde_json::from_slice(stored.event().body())
///         .map_err(|_| Failure::permanent("not_json"))?; // no retry will help
///     let id = order["id"].as_str().ok_or(Failure::new("no_id"))?;
///     std::fs::write("/tmp/last-order", id)?; // class `error`, retried
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    class: &'static str,
    is_permanent: bool,
}

impl Failure {
    /// One after which the event is tried again, after a pause.
    #[must_use]
    pub const fn new(class: &'static str) -> Self {
        Self {
            class,
            is_permanent: false,
        }
    }

    /// One that will be the same the next time: the event becomes a dead
    /// letter at once.
    #[must_use]
    pub const fn permanent(class: &'static str) -> Self {
        Self {
            class,
            is_permanent: true,
        }
    }

    /// The word.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        self.class
    }

    /// Whether the event is not tried again.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.is_permanent
    }
}

/// [`Failure`] is no `Error` itself, as this could not be written then.
impl<E: std::error::Error> From<E> for Failure {
    fn from(_: E) -> Self {
        Self::new("error")
    }
}
