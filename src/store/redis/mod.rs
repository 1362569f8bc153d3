//! The store in Redis.

mod error;
mod row;
pub(crate) mod script;
pub(crate) mod setup;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager};
use redis::{Cmd, FromRedisValue, RedisError};
use tokio::time::timeout;

pub use self::error::RedisSetupError;
use self::row::Life;
use self::script::Script;
use super::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreError, StoreFuture,
};
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
/// [`StoreError::Full`], so that their senders come again, and events in flight
/// are completed all the same.
pub struct RedisStore<C = ConnectionManager> {
    connection: C,
    prefix: String,
    deadline: Duration,
    /// How many, and for how many milliseconds.
    replicas: Option<(u32, u64)>,
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
            deadline: DEFAULT_DEADLINE,
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

    /// Gives up an operation after `deadline` instead of 900 ms, so that within
    /// the two seconds that the layer has for a claim, the second try comes in
    /// time if the first one's answer was lost.
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
        self.deadline = deadline;
        Ok(self)
    }

    /// Waits after each claim and each completion until `replicas` have it, but
    /// at most `wait`. If fewer have it then, the claim is given back, and the
    /// operation fails: nothing is processed, or called done, that a failover
    /// could undo unseen.
    ///
    /// The server answers nothing on a connection while it waits there, so
    /// that operations that share one wait for each other. On a busy route,
    /// use several stores with connections of their own.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `replicas` is zero or `wait` below a
    /// millisecond, which would mean for ever.
    pub fn with_replicas(mut self, replicas: u32, wait: Duration) -> Result<Self, ConfigError> {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        for (is_zero, setting) in [
            (replicas == 0, "the number of replicas to wait for"),
            (millis == 0, "the wait for replicas, in milliseconds,"),
        ] {
            if is_zero {
                return Err(ConfigError::Zero { setting });
            }
        }
        self.replicas = Some((replicas, millis.min(MAX_WAIT)));
        Ok(self)
    }

    /// The connection, to be cloned for a
    /// [limiter](crate::rate_limit::RedisRateLimiter) on the same server.
    #[must_use]
    pub const fn connection(&self) -> &C {
        &self.connection
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &DedupKey,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<T, StoreError> {
        let (key, mut connection) = (row::key(&self.prefix, key), self.connection.clone());
        let running = script.run(&mut connection, &key, arguments);
        in_time(self.deadline, running).await
    }

    /// Like [`run`](Self::run), for what replicas should have. Answers whether
    /// they do.
    async fn run_and_wait<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &DedupKey,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<(T, Result<(), StoreError>), StoreError> {
        let Some((replicas, millis)) = self.replicas else {
            let answer = self.run(script, key, arguments).await?;
            return Ok((answer, Ok(())));
        };
        let (key, mut connection) = (row::key(&self.prefix, key), self.connection.clone());
        let wait = (replicas, millis);
        let running = script.run_and_wait(&mut connection, &key, arguments, wait);
        let deadline = self.deadline + Duration::from_millis(millis);
        let (answer, reached) = in_time(deadline, running).await?;
        let replicated = match reached >= replicas {
            true => Ok(()),
            false => Err(StoreError::unavailable(format!(
                "{reached} of {replicas} replicas acknowledged within {millis} ms"
            ))),
        };
        Ok((answer, replicated))
    }
}

impl<C> DedupStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async move {
            let life = Life::of(claim.lease, claim.ttl);
            let row = row::in_flight(claim, life);
            let (answer, replicated) = self
                .run_and_wait(&CLAIM, &claim.key, |command| {
                    command.arg(&row).arg(life.millis);
                })
                .await?;
            let claimed = claimed(answer)?;
            if let (Claimed::Won { .. }, Err(error)) = (claimed, replicated) {
                // If this fails, the lease runs out.
                let _ = self.release(&claim.key, claim.owner).await;
                return Err(error);
            }
            Ok(claimed)
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(async move {
            let life = Life::of(lease, ttl);
            let answer = self.run(&RENEW, key, |command| {
                let owner = row::owner(owner);
                command.arg(&owner).arg(&life.rest()).arg(life.millis);
            });
            match answer.await? {
                0 => Ok(Renewed::Extended),
                1 => Ok(Renewed::Lost),
                _ => Err(foreign_row()),
            }
        })
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async move {
            let row = row::done(completion, owner);
            let life = row::life(completion.ttl);
            let (answer, replicated) = self
                .run_and_wait(&COMPLETE, key, |command| {
                    command.arg(&row).arg(&row::owner(owner)).arg(life);
                })
                .await?;
            let completed = match answer {
                0 => Completed::Done,
                1 => Completed::AlreadyDone,
                2 => Completed::Recreated,
                3 => Completed::LeaseLost,
                _ => return Err(foreign_row()),
            };
            if completed != Completed::LeaseLost {
                replicated?;
            }
            Ok(completed)
        })
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async move {
            let answer = self.run(&RELEASE, key, |command| {
                command.arg(&row::owner(owner));
            });
            match answer.await? {
                0 => Ok(Released::Released),
                1 => Ok(Released::NotOwner),
                _ => Err(foreign_row()),
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            let mut command = redis::cmd("DEL");
            command.arg(row::key(&self.prefix, key));
            let deleted: u64 = in_time(self.deadline, command.query_async(&mut connection)).await?;
            Ok(deleted > 0)
        })
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

fn claimed(answer: Vec<u64>) -> Result<Claimed, StoreError> {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(match *answer.as_slice() {
        [0, attempt] => Claimed::Won {
            attempt: number(attempt),
        },
        [1, attempt, millis] => Claimed::Busy {
            remaining: Duration::from_millis(millis),
            attempt: number(attempt),
        },
        [2, attempt, millis, status] => Claimed::Duplicate {
            status: u16::try_from(status).unwrap_or(u16::MAX),
            attempt: number(attempt),
            expires_in: Duration::from_millis(millis),
        },
        [3, attempt] => Claimed::Conflict {
            attempt: number(attempt),
        },
        _ => return Err(foreign_row()),
    })
}

/// Never taken for an absent event: somebody else may hold it.
fn foreign_row() -> StoreError {
    StoreError::unavailable(RedisSetupError::ForeignRow)
}

async fn in_time<T>(
    deadline: Duration,
    running: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, StoreError> {
    match timeout(deadline, running).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if is_out_of_memory(&error) => Err(StoreError::Full),
        Ok(Err(error)) => Err(StoreError::unavailable(error)),
        Err(_) => Err(StoreError::unavailable(format!(
            "Redis did not answer within {deadline:?}"
        ))),
    }
}

/// Before Redis 7, the error of a command in a script is inside another one.
fn is_out_of_memory(error: &RedisError) -> bool {
    error.code() == Some("OOM")
        || error
            .detail()
            .is_some_and(|detail| detail.contains("OOM command not allowed"))
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
const DEFAULT_DEADLINE: Duration = Duration::from_millis(900);
/// An hour, where `WAIT` takes any number of milliseconds.
const MAX_WAIT: u64 = 3_600_000;

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("renew.lua"),
        include_str!("write.lua")
    ))
});
static COMPLETE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("complete.lua"),
        include_str!("write.lua")
    ))
});
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("release.lua"),
        include_str!("write.lua")
    ))
});
