//! What is done before the first request.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, RedisError, Value};
use tokio::time::timeout;

use super::protocol::CLAIM;
use super::row::{self, Life};
use super::{DEADLINE, RedisSetupError, RedisStore};
use crate::store::{Claim, DedupKey, Owner};
use crate::telemetry;

impl RedisStore<ConnectionManager> {
    /// Connects to the server at `url` and [checks](Self::check) it. Needs a
    /// tokio runtime.
    ///
    /// `url` is `redis://user:password@host:6379/0`, or
    /// `redis+unix:///path/to/socket`; `rediss://` with a TLS feature of the
    /// crate `redis`. A connection that broke is made again for as long as it
    /// takes, with up to a second between attempts; operations fail meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check), and [`RedisSetupError::InvalidUrl`].
    pub async fn connect(url: &str) -> Result<Self, RedisSetupError> {
        Self::connect_and_check(url, Eviction::Refused).await
    }

    /// Like [`connect`](Self::connect), but takes a server that forgets events
    /// when its memory is full. They run again when their senders repeat them.
    ///
    /// # Errors
    ///
    /// Those of [`check_allowing_eviction`](Self::check_allowing_eviction), and
    /// [`RedisSetupError::InvalidUrl`].
    pub async fn connect_allowing_eviction(url: &str) -> Result<Self, RedisSetupError> {
        Self::connect_and_check(url, Eviction::Allowed).await
    }

    async fn connect_and_check(url: &str, eviction: Eviction) -> Result<Self, RedisSetupError> {
        let client = client(url)?;
        // Not the connection that stays: that one tries for ever, and would
        // never say what is wrong.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(START_DEADLINE))
            .set_response_timeout(Some(START_DEADLINE));
        let first = client.get_multiplexed_async_connection_with_config(&config);
        let first = first.await.map_err(RedisSetupError::from_redis)?;
        RedisStore::new(first).check_server(eviction).await?;
        Ok(Self {
            deadline: Some(DEADLINE),
            ..Self::new(manager(client)?)
        })
    }
}

impl<C> RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    /// Checks that the server can be used: its version, that it takes writes
    /// and runs scripts, and that it does not evict events.
    ///
    /// Where a managed service shows neither `INFO` nor `CONFIG`, the eviction
    /// policy is taken for the right one, and an event is logged.
    ///
    /// # Errors
    ///
    /// A [`RedisSetupError`] that says what is wrong and what to do.
    pub async fn check(&self) -> Result<(), RedisSetupError> {
        self.check_server(Eviction::Refused).await
    }

    /// Like [`check`](Self::check), but takes a server that forgets events when
    /// its memory is full. They run again when their senders repeat them.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check), but for [`RedisSetupError::Evicting`].
    pub async fn check_allowing_eviction(&self) -> Result<(), RedisSetupError> {
        self.check_server(Eviction::Allowed).await
    }

    async fn check_server(&self, eviction: Eviction) -> Result<(), RedisSetupError> {
        in_time(async {
            settings(&mut self.connection.clone(), eviction).await?;
            self.write().await
        })
        .await
    }

    /// Takes the first step of the protocol with an event that nobody has.
    async fn write(&self) -> Result<(), RedisSetupError> {
        let random = RandomState::new();
        let digest = std::array::from_fn(|at| random.hash_one(at) as u8);
        let brief = Duration::from_secs(1);
        let key = DedupKey::from_bytes(digest);
        let claim = Claim::new(key, Owner::from_u128(1), brief, brief);
        let life = Life::of(brief, brief);
        let (key, mut connection) = (row::key(&self.prefix, &key), self.connection.clone());
        let arguments = |command: &mut redis::Cmd| {
            command.arg(&row::in_flight(&claim, life)).arg(life.millis);
        };
        let answer: Vec<u64> = CLAIM
            .run(&mut connection, &[&key], arguments)
            .await
            .map_err(RedisSetupError::from_redis)?;
        let mut delete = redis::cmd("DEL");
        let deleted = delete.arg(&key).exec_async(&mut connection).await;
        deleted.map_err(RedisSetupError::from_redis)?;
        match *answer.as_slice() {
            [0, 1] => Ok(()),
            _ => Err(RedisSetupError::ForeignRow),
        }
    }
}

/// Gives a check its time.
pub(crate) async fn in_time(
    check: impl Future<Output = Result<(), RedisSetupError>>,
) -> Result<(), RedisSetupError> {
    timeout(START_DEADLINE, check).await.unwrap_or_else(|_| {
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Err(RedisSetupError::Unreachable(late.into()))
    })
}

/// What the server says of itself; in a cluster, each of its primaries. Nothing
/// in it is wrong.
pub(crate) async fn settings(
    connection: &mut impl ConnectionLike,
    eviction: Eviction,
) -> Result<Vec<Settings>, RedisSetupError> {
    let settings = ask(connection).await?;
    for server in &settings {
        server.check(eviction)?;
    }
    if settings.iter().all(|server| server.policy.is_none()) {
        telemetry::trouble(
            "",
            "Redis does not show its maxmemory-policy; make sure that it is noeviction",
        );
    }
    Ok(settings)
}

async fn ask(connection: &mut impl ConnectionLike) -> Result<Vec<Settings>, RedisSetupError> {
    let info = redis::cmd("INFO").query_async(connection).await;
    if let Some(info) = unless_forbidden(info)? {
        return Ok(texts(info)
            .iter()
            .map(|info| Settings::read(info))
            .collect());
    }
    let mut pairs = Vec::new();
    for names in ["maxmemory*", "appendonly"] {
        let mut config = redis::cmd("CONFIG");
        let config = config.arg("GET").arg(names).query_async(connection).await;
        pairs.extend(unless_forbidden(config)?.map(texts).unwrap_or_default());
    }
    let role = redis::cmd("ROLE").query_async(connection).await;
    let role = unless_forbidden(role)?.map(texts).unwrap_or_default();
    let mut settings = Settings::of_pairs(&pairs);
    settings.is_replica = role.first().is_some_and(|role| role == "slave");
    Ok(vec![settings])
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Eviction {
    Refused,
    Allowed,
}

/// What a server says of itself.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Settings {
    version: Option<String>,
    is_replica: bool,
    is_append_only: Option<bool>,
    max_memory: Option<String>,
    policy: Option<String>,
}

impl Settings {
    /// From the answer to `INFO`.
    fn read(info: &str) -> Self {
        let mut settings = Self::default();
        for (name, value) in info.lines().filter_map(|line| line.split_once(':')) {
            settings.set(name, value.trim());
        }
        settings
    }

    /// From the answer to `CONFIG GET`, names and values by turns.
    fn of_pairs(texts: &[String]) -> Self {
        let mut settings = Self::default();
        let (pairs, _) = texts.as_chunks();
        for [name, value] in pairs {
            settings.set(&name.replace('-', "_"), value);
        }
        settings
    }

    fn set(&mut self, name: &str, value: &str) {
        match name {
            "redis_version" => self.version = Some(value.to_owned()),
            "role" => self.is_replica = value != "master",
            "aof_enabled" => self.is_append_only = Some(value != "0"),
            "appendonly" => self.is_append_only = Some(value != "no"),
            "maxmemory" => self.max_memory = Some(value.to_owned()),
            "maxmemory_policy" => self.policy = Some(value.to_owned()),
            _ => {}
        }
    }

    /// Whether what the server acknowledges outlives it. What it does not say
    /// is taken for granted.
    pub(crate) fn check_durability(&self) -> Result<(), RedisSetupError> {
        match self.is_append_only {
            Some(false) => Err(RedisSetupError::NotDurable),
            _ => Ok(()),
        }
    }

    fn check(&self, eviction: Eviction) -> Result<(), RedisSetupError> {
        if let Some(version) = &self.version
            && let Some(major) = version
                .split('.')
                .next()
                .and_then(|n| n.parse::<u32>().ok())
            && major < 5
        {
            let version = version.clone();
            return Err(RedisSetupError::TooOld { version });
        }
        if self.is_replica {
            return Err(RedisSetupError::Replica);
        }
        let is_unlimited = self.max_memory.as_deref() == Some("0");
        match &self.policy {
            Some(policy)
                if policy != "noeviction" && !is_unlimited && eviction == Eviction::Refused =>
            {
                let policy = policy.clone();
                Err(RedisSetupError::Evicting { policy })
            }
            _ => Ok(()),
        }
    }
}

/// `None` if the server does not let us ask: managed services rename commands
/// or forbid them.
fn unless_forbidden(answer: Result<Value, RedisError>) -> Result<Option<Value>, RedisSetupError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) => match RedisSetupError::from_redis(error) {
            RedisSetupError::Refused(_) => Ok(None),
            error => Err(error),
        },
    }
}

/// All texts in an answer, which has one for each node of a cluster.
fn texts(value: Value) -> Vec<String> {
    match value {
        Value::BulkString(bytes) => vec![String::from_utf8_lossy(&bytes).into_owned()],
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => vec![text],
        Value::Array(values) => values.into_iter().flat_map(texts).collect(),
        Value::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(name, value)| texts(name).into_iter().chain(texts(value)))
            .collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn client(url: &str) -> Result<Client, RedisSetupError> {
    let info = url
        .into_connection_info()
        .map_err(RedisSetupError::InvalidUrl)?;
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(SILENCE));
    // Where a network drops packets without a word, the connection would
    // otherwise count as good for a quarter of an hour.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let tcp = tcp.set_user_timeout(SILENCE);
    Client::open(info.set_tcp_settings(tcp)).map_err(RedisSetupError::InvalidUrl)
}

/// A connection that is made when it is first used, and again when it breaks.
pub(crate) fn manager(client: Client) -> Result<ConnectionManager, RedisSetupError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(START_DEADLINE))
        // Operations have deadlines of their own.
        .set_response_timeout(None)
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_secs(1))
        .set_number_of_retries(RECONNECTIONS)
        .set_pipeline_buffer_size(1024);
    ConnectionManager::new_lazy_with_config(client, config).map_err(RedisSetupError::InvalidUrl)
}

const START_DEADLINE: Duration = Duration::from_secs(5);
/// For how long a peer may acknowledge nothing.
const SILENCE: Duration = Duration::from_secs(10);
/// About a day: the manager gives up for good after some errors that pass.
const RECONNECTIONS: usize = 86_400;

#[cfg(test)]
mod tests;
