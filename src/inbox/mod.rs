//! Durable inbox.

mod event;
mod future;
mod headers;
#[cfg(any(feature = "postgres", feature = "redis", test))]
mod json;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod service;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod setup;
mod sink;
#[cfg(test)]
mod tests;

#[cfg(feature = "postgres")]
pub use self::postgres::{Failure, PostgresInbox, PostgresWorker, StoredEvent};
#[cfg(feature = "redis")]
pub use self::redis::RedisStreamSink;
#[cfg(any(feature = "postgres", feature = "redis"))]
pub use self::setup::SetupError;
pub use self::{
    event::InboxEvent,
    future::ResponseFuture,
    service::Inbox,
    sink::{Put, Sink, SinkError, SinkFn, SinkFuture, sink_fn},
};
