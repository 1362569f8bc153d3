//! The limiter in Redis.

mod outage;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::Cmd;
use redis::aio::{ConnectionLike, ConnectionManager};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use self::outage::Outage;
use super::limits::Ask;
use super::{Allowance, LimiterFuture, MemoryRateLimiter, Quota, RateKey, RateLimiter};
use crate::ConfigError;
use crate::store::RedisSetupError;
use crate::store::redis::script::Script;
use crate::store::redis::{checked_prefix, setup};

/// A rate limiter in Redis or Valkey (5.0 or later), whose quota a fleet
/// shares.
///
/// ```no_run
/// use std::sync::Arc;
/// use tower_webhook::rate_limit::{Quota, RateLimitLayer, RedisRateLimiter};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let quota = Quota::per_minute(60)?;
/// let limiter = RedisRateLimiter::connect("redis://10.0.0.7:6379", quota)
///     .await?
///     .with_share(4)?;
/// let layer = RateLimitLayer::per_caller(quota).with_limiter(Arc::new(limiter));
/// # Ok(())
/// # }
/// ```
///
/// The sixtieth failure of a caller on any of the four machines is the last one
/// that is judged; the next request is answered 429:
///
/// ```no_run
/// # use tower_webhook::rate_limit::{Allowance, Quota, RateKey, RateLimiter, RedisRateLimiter};
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// # let limiter = RedisRateLimiter::connect("redis://10.0.0.7:6379", Quota::per_minute(60)?).await?;
/// let caller = RateKey::caller("192.0.2.1".parse()?);
/// for _ in 0..60 {
///     assert_eq!(limiter.charge(caller).await?, Allowance::Allowed);
/// }
/// assert!(matches!(limiter.charge(caller).await?, Allowance::Limited { .. }));
/// # Ok(())
/// # }
/// ```
///
/// The algorithm is the generic cell rate algorithm (GCRA), in one script and
/// one round trip, by the server's clock in microseconds. A key is a digest of
/// the [`RateKey`] and the quota, so that no address is stored and limiters
/// with different quotas count apart; it lives until its quota is whole again.
/// An interval is rounded up to a microsecond.
///
/// # When Redis does not answer
///
/// It never fails. What Redis has not answered within 250 ms, a
/// [`MemoryRateLimiter`] in this process decides, with
/// [this machine's share](Self::with_share) of the quota. For a second after
/// that, requests do not wait for Redis at all; then one of them tries. The
/// beginning of an outage is logged.
pub struct RedisRateLimiter<C = ConnectionManager> {
    connection: C,
    quota: Quota,
    prefix: String,
    deadline: Duration,
    local: Arc<MemoryRateLimiter>,
    outage: Arc<Outage>,
}

impl RedisRateLimiter<ConnectionManager> {
    /// A limiter with a connection of its own to the server at `url`, as in
    /// [`RedisStore::connect`](crate::store::RedisStore::connect). Connects
    /// with the first request, and limits locally as long as that fails. Needs
    /// a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`RedisSetupError::InvalidUrl`].
    #[expect(clippy::unused_async, reason = "so that there is a runtime")]
    pub async fn connect(url: &str, quota: Quota) -> Result<Self, RedisSetupError> {
        let manager = setup::manager(setup::client(url)?)?;
        Ok(Self::new(manager, quota))
    }
}

impl<C> RedisRateLimiter<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    /// A limiter over `connection` that gives every key `quota`.
    pub fn new(connection: C, quota: Quota) -> Self {
        Self {
            connection,
            quota,
            prefix: DEFAULT_PREFIX.to_owned(),
            deadline: DEFAULT_DEADLINE,
            local: Arc::new(MemoryRateLimiter::new(quota)),
            outage: Arc::new(Outage::none()),
        }
    }

    /// Gives this machine one of `machines` equal shares of the quota for the
    /// time that Redis does not answer, rounded down, but a burst of at least
    /// one. Unless told, it has all of it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `machines` is zero.
    pub fn with_share(mut self, machines: u32) -> Result<Self, ConfigError> {
        let burst = self.quota.burst().checked_div(machines);
        let burst = burst.ok_or(ConfigError::Zero {
            setting: "the number of machines that share a quota",
        })?;
        let interval = self.quota.interval().saturating_mul(machines);
        let share = Quota::new(1, interval)?.with_burst(burst.max(1))?;
        self.local = Arc::new(MemoryRateLimiter::new(share));
        Ok(self)
    }

    /// Lets a request wait for Redis for at most `deadline` instead of 250 ms.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `deadline` is zero.
    pub fn with_deadline(mut self, deadline: Duration) -> Result<Self, ConfigError> {
        if deadline.is_zero() {
            return Err(ConfigError::Zero {
                setting: "the deadline of a rate limiter",
            });
        }
        self.deadline = deadline;
        Ok(self)
    }

    /// Puts `prefix` in front of every key instead of `twh:rate:`, so that
    /// limits with the same quota count apart.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPrefix`] if it is empty, longer than 64 bytes, or
    /// has other characters than visible ASCII.
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Result<Self, ConfigError> {
        self.prefix = checked_prefix(prefix.into())?;
        Ok(self)
    }

    /// The quota of every key.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    fn ask(&self, ask: Ask, key: RateKey) -> LimiterFuture {
        if !self.outage.permits_asking() {
            return LimiterFuture::ready(Ok(ask.locally(&self.local, key)));
        }
        let (local, outage) = (Arc::clone(&self.local), Arc::clone(&self.outage));
        let (keys, mut connection) = ([self.key(key)], self.connection.clone());
        let (quota, deadline) = (self.quota, self.deadline);
        LimiterFuture::boxed(async move {
            let asking = GCRA.run(&mut connection, &keys, |command| {
                add_quota(command, quota, ask);
            });
            let Ok(Ok(wait)) = timeout(deadline, asking).await else {
                outage.begin();
                return Ok(ask.locally(&local, key));
            };
            outage.end();
            Ok(match Duration::from_micros(wait) {
                Duration::ZERO => Allowance::Allowed,
                retry_after => Allowance::Limited { retry_after },
            })
        })
    }

    fn key(&self, key: RateKey) -> Vec<u8> {
        let digest = Sha256::new()
            .chain_update(key.to_bytes())
            .chain_update(self.quota.interval().as_nanos().to_be_bytes())
            .chain_update(self.quota.burst().to_be_bytes())
            .finalize();
        let (half, _) = digest.split_at(16);
        let mut text = self.prefix.clone();
        URL_SAFE_NO_PAD.encode_string(half, &mut text);
        text.into_bytes()
    }
}

/// Microseconds: nanoseconds since the epoch are more than the server's doubles
/// tell apart.
fn add_quota(command: &mut Cmd, quota: Quota, ask: Ask) {
    let micros = quota.interval().as_nanos().div_ceil(1000);
    let micros = u64::try_from(micros).unwrap_or(u64::MAX);
    let charge = u8::from(matches!(ask, Ask::Charge));
    command.arg(micros).arg(quota.burst()).arg(charge);
}

impl<C> RateLimiter for RedisRateLimiter<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn check(&self, key: RateKey) -> LimiterFuture {
        self.ask(Ask::Check, key)
    }

    fn charge(&self, key: RateKey) -> LimiterFuture {
        self.ask(Ask::Charge, key)
    }
}

/// Shows neither the connection nor its password.
impl<C> fmt::Debug for RedisRateLimiter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRateLimiter")
            .field("quota", &self.quota)
            .field("prefix", &self.prefix)
            .field("deadline", &self.deadline)
            .field("share", &self.local.quota())
            .finish_non_exhaustive()
    }
}

const DEFAULT_PREFIX: &str = "twh:rate:";
const DEFAULT_DEADLINE: Duration = Duration::from_millis(250);

static GCRA: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));
