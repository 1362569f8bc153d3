//! The store in Redis.

mod error;
mod protocol;
pub(crate) mod replicas;
pub(crate) mod row;
pub(crate) mod script;
pub(crate) mod setup;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager};

pub use self::error::RedisSetupError;
use self::replicas::Replicas;
use crate::ConfigError;

/// Remembers events in Redis or Valkey, for many machines.
///
/// One key per event, one script per step, one round trip each. Measured at a
/// million events on Redis 7.0: 145 bytes for each that is remembered.
///
/// ```no_run
/// use std::sync::Arc;
/// use tower_webhook::dedup::DedupLayer;
/// use tower_webhook::store::RedisStore;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisStore::connect("redis://:password@10.0.0.7:6379").await?;
/// let dedup = DedupLayer::new(Arc::new(store));
/// # Ok(())
/// # }
/// ```
///
/// An event that is new is won, and refused while somebody has it:
///
/// ```no_run
/// # use std::time::Duration;
/// use tower_webhook::store::{Claim, Claimed, DedupKey, DedupStore, Owner, RedisStore};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisStore::connect("redis+unix:///run/redis.sock").await?;
/// let (lease, ttl) = (Duration::from_secs(30), Duration::from_secs(96 * 3600));
/// let claim = |owner| Claim::new(DedupKey::from_bytes([7; 32]), Owner::from_u128(owner), lease, ttl);
/// assert_eq!(store.claim(&claim(1)).await?, Claimed::Won { attempt: 1 });
/// assert!(matches!(store.claim(&claim(2)).await?, Claimed::Busy { attempt: 1, .. }));
/// # Ok(())
/// # }
/// ```
///
/// # Connections
///
/// [`connect`](RedisStore::connect) makes one that comes back by itself.
/// [`new`](Self::new) takes any of the crate `redis`: a `ConnectionManager`, a
/// `MultiplexedConnection`, a `ClusterConnection`. Call [`check`](Self::check)
/// after it.
///
/// # What is promised
///
/// As long as the server keeps what it has acknowledged, every event runs at
/// least once, and never two at a time while leases hold. An event runs again
/// where a handler's machine died between effect and completion, and where a
/// lease ended before its handler did. Who was overtaken cannot complete,
/// renew or release: what the new owner does stands.
///
/// The server keeps less than it has acknowledged
///
/// - after a crash, without an append-only file, everything; with
///   `appendfsync everysec`, up to a second or two; with `always`, nothing is
///   lost.
/// - after a failover, what the replica did not have yet: replication does not
///   wait. [`with_replicas`](Self::with_replicas) waits for it, which makes
///   that rare and not impossible: the replica that has it need not be the one
///   that is promoted.
/// - when memory is full, with any `maxmemory-policy` but `noeviction`.
///   [`check`](Self::check) refuses that.
/// - when its clock is set forward: leases and rows end early.
///
/// A claim that was lost so lets the event run a second time, perhaps at the
/// same time; a completion, a second time when the sender repeats it. No event
/// is lost: whatever the server forgets is new when it comes again. Where that
/// is not enough, effects and events belong into one database transaction.
///
/// When the server is full under `noeviction`, new events are refused with
/// [`StoreError::Full`](super::StoreError::Full), so that their senders come again, and events in flight
/// are completed all the same.
pub struct RedisStore<C = ConnectionManager> {
    connection: C,
    prefix: String,
    deadline: Option<Duration>,
    replicas: Option<Replicas>,
}

impl<C> RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    /// A store over `connection`, whose server nobody has
    /// [checked](Self::check) yet.
    pub fn new(connection: C) -> Self {
        Self {
            connection,
            prefix: DEFAULT_PREFIX.to_owned(),
            deadline: None,
            replicas: None,
        }
    }

    /// Puts `prefix` in front of every key instead of `twh:`. Stores with the
    /// same prefix on the same server share their events.
    ///
    /// Up to 8 characters cost no memory, every 16 more cost 16 bytes for each
    /// event. In a cluster, a prefix with a hash tag such as `{twh}` puts all
    /// events onto one node.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPrefix`] if it is empty, longer than 64 bytes, or
    /// has other characters than visible ASCII.
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Result<Self, ConfigError> {
        self.prefix = checked_prefix(prefix.into())?;
        Ok(self)
    }

    /// Gives up an operation after `deadline`.
    ///
    /// A store that [connected](RedisStore::connect) itself has one of 900 ms:
    /// within the two seconds that the layer has for a claim, the second try
    /// comes in time if the first one's answer was lost. Over another
    /// connection, that one's timeouts count, unless told.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `deadline` is zero.
    pub fn with_deadline(mut self, deadline: Duration) -> Result<Self, ConfigError> {
        if deadline.is_zero() {
            return Err(ConfigError::Zero {
                setting: "the deadline of an operation on Redis",
            });
        }
        self.deadline = Some(deadline);
        Ok(self)
    }

    /// Waits after each claim and each completion until `replicas` have it, but
    /// at most `wait`. If fewer have it then, the claim is given back, and the
    /// operation fails: nothing is processed, or called done, that a failover
    /// could undo unseen.
    ///
    /// The server answers nothing on a connection while it waits there, so
    /// that operations that share one wait for each other. On a busy route,
    /// use several stores with connections of their own. A connection's own
    /// response timeout has to be longer than `wait`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `replicas` is zero or `wait` below a
    /// millisecond, which would mean for ever.
    pub fn with_replicas(mut self, replicas: u32, wait: Duration) -> Result<Self, ConfigError> {
        self.replicas = Some(Replicas::new(replicas, wait)?);
        Ok(self)
    }

    /// The connection, to be cloned for a
    /// [limiter](crate::rate_limit::RedisRateLimiter) on the same server.
    #[must_use]
    pub const fn connection(&self) -> &C {
        &self.connection
    }
}

/// Shows neither the connection nor its password.
impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("deadline", &self.deadline)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

pub(crate) fn checked_prefix(prefix: String) -> Result<String, ConfigError> {
    let reason = if prefix.is_empty() {
        "it is empty"
    } else if prefix.len() > 64 {
        "it is longer than 64 bytes"
    } else if !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        "it has other characters than visible ASCII"
    } else {
        return Ok(prefix);
    };
    Err(ConfigError::InvalidPrefix { prefix, reason })
}

const DEFAULT_PREFIX: &str = "twh:";
const DEADLINE: Duration = Duration::from_millis(900);
