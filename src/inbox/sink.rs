use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::InboxEvent;

/// The future of [`Sink::put`].
pub type SinkFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SinkError>> + Send + 'a>>;

/// Where events are stored before they are acknowledged.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Stores the event, unless one with its [`key`](InboxEvent::key) or its
    /// [`replay_key`](InboxEvent::replay_key) is stored already.
    ///
    /// Returns only when the event is durable: after the commit, the publish
    /// acknowledgement, the sync to disk. The sender is told that the event was
    /// taken when this returns, and will not send it again.
    ///
    /// Looking and storing are one atomic step: the same event may be put
    /// twice at the same time. The keys are to be remembered for at least
    /// [`InboxEvent::remember_for`]. Where `put` fails, the event may be stored
    /// or not; the sender comes again.
    fn put<'a>(&'a self, event: &'a InboxEvent) -> SinkFuture<'a, Put>;
}

/// The answer to [`Sink::put`], and in the extensions of the response that the
/// sender was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Put {
    /// The event is stored now.
    Stored,
    /// The event had been stored before.
    AlreadyStored,
}

/// Why a sink did not store an event.
///
/// The cause is written to the log, so it must not hold what a sender wrote.
#[derive(Debug)]
pub struct SinkError {
    cause: Box<dyn Error + Send + Sync>,
}

impl SinkError {
    /// The event may not be stored, because of `cause`.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: cause.into(),
        }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event was not stored")
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn put<'a>(&'a self, event: &'a InboxEvent) -> SinkFuture<'a, Put> {
        (**self).put(event)
    }
}

/// A sink from a function, for a queue that this crate does not know.
///
/// `put` must keep what [`Sink::put`] promises.
///
/// ```
/// use std::collections::HashSet;
/// use std::sync::Mutex;
/// use tower_webhook::inbox::{Put, sink_fn};
///
/// let seen = Mutex::new(HashSet::new());
/// let sink = sink_fn(move |event| {
///     // A real one waits for the acknowledgement of its queue here.
///     let put = match seen.lock().unwrap().insert(*event.key()) {
///         true => Put::Stored,
///         false => Put::AlreadyStored,
///     };
///     async move { Ok::<_, std::io::Error>(put) }
/// });
/// ```
pub const fn sink_fn<F, Fut, E>(put: F) -> SinkFn<F>
where
    F: Fn(InboxEvent) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Put, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    SinkFn { put }
}

/// A [`Sink`] from a function; made by [`sink_fn`].
#[derive(Clone, Copy)]
pub struct SinkFn<F> {
    put: F,
}

impl<F, Fut, E> Sink for SinkFn<F>
where
    F: Fn(InboxEvent) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Put, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn put<'a>(&'a self, event: &'a InboxEvent) -> SinkFuture<'a, Put> {
        let put = (self.put)(event.clone());
        Box::pin(async move { put.await.map_err(SinkError::new) })
    }
}

impl<F> fmt::Debug for SinkFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkFn").finish_non_exhaustive()
    }
}
