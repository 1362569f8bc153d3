//! Each event once: deduplication by event id.
//!
//! [`DedupLayer`] sits behind verification. It claims an event in a
//! [`DedupStore`](crate::store::DedupStore), lets the inner service process
//! it, and marks it done only when that succeeded. TODO
mod future;
mod guard;
mod handlers;
mod key;
mod layer;
mod lease;
mod protocol;
mod rows;
mod service;
mod step;
#[cfg(test)]
mod tests;

pub use self::{
    future::ResponseFuture,
    handlers::Handlers,
    layer::{DedupLayer, OnStoreFailure},
    lease::Lease,
    service::Dedup,
};

/// In the extensions of a response: the event had been processed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Duplicate {
    /// The status the handler answered with then.
    pub status: u16,
    /// The attempt that processed it.
    pub attempt: u32,
}

/// In the extensions of a request: the store did not answer, and the event is
/// processed without protection, as
/// [`OnStoreFailure::Process`] asks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DedupUnavailable;
