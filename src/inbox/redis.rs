use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Cmd;
use redis::aio::ConnectionLike;

use super::{InboxEvent, Put, Sink, SinkError, SinkFuture, json};
use crate::ConfigError;
use crate::store::RedisSetupError;
use crate::store::redis::replicas::Replicas;
use crate::store::redis::script::Script;
use crate::store::redis::setup::{self, Eviction};
use crate::store::redis::{checked_prefix, row};

/// Looks before it writes, and writes the event before its keys: if a write
/// fails, the event may be stored twice but is not taken for stored. What was
/// signed at a time that is signed, too, is remembered for a known event as well:
/// senders that sign each attempt anew could have it captured, and sent under
/// another id. Without a time it may be of an event of its own, captured and sent
/// under a known id: to remember it would lose that event.
static PUT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "\
local function known(key) return key and redis.call('EXISTS', key) == 1 end
local function remember(key) if key then redis.call('SET', key, '', 'PX', ARGV[1]) end end
if known(KEYS[3]) then remember(KEYS[3]) return 0 end
if known(KEYS[2]) then
  remember(KEYS[2])
  if ARGV[2] == 'timed' then remember(KEYS[3]) end
  return 0
end
redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
remember(KEYS[2]) remember(KEYS[3])
return 1",
    )
});

/// A [`Sink`] on a Redis stream. Consumers read it as a group (`XREADGROUP`).
///
/// One script looks for the event's keys, adds the entry and remembers the
/// keys, as one step; it needs Redis 5, or Valkey.
///
/// ```no_run
/// use std::sync::Arc;
/// use tower_webhook::inbox::{Inbox, RedisStreamSink};
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open("redis://localhost")?;
/// let sink = RedisStreamSink::new(client.get_connection_manager().await?);
/// sink.check().await?;
/// let service = Inbox::new(Arc::new(sink)); // behind a WebhookLayer
/// # let _ = service;
/// # Ok(())
/// # }
/// ```
///
/// # How durable it is
///
/// As durable as the server is configured: what Redis acknowledged survives a
/// crash only with `appendonly yes` and `appendfsync always`. With
/// `appendfsync everysec` (the default of `appendonly yes`) the events of the
/// last second or two may be lost, although they were acknowledged; without
/// `appendonly`, those since the last snapshot. [`check`](Self::check) refuses
/// the latter, and a server that evicts. A replica that takes over may lack what
/// was acknowledged last; [`with_replicas`](Self::with_replicas) narrows that.
/// An inbox that loses nothing is `PostgresInbox`.
///
/// # What is stored
///
/// The fields of an entry: `key` (hex), `provider`, `endpoint`, `tenant`,
/// `event_id`, `event_type`, `sent_at` and `received_at` (milliseconds since
/// the epoch), `verified_by`, `headers` (JSON, `{"name": ["value", …]}`, each
/// byte of a value as the character of its number) and `body` (the bytes as
/// they were sent). A field without a value is left out.
///
/// The stream is not trimmed: entries stay until you delete them (`XDEL`,
/// `XTRIM`) behind your consumers. An `XACK` deletes nothing.
///
/// # In a cluster
///
/// The keys of events begin with the stream's name in braces, so that they are
/// in one slot with the stream; there is one if the name has none.
#[must_use]
#[derive(Clone)]
pub struct RedisStreamSink<C> {
    connection: C,
    /// In braces, for a cluster.
    stream: Arc<str>,
    retention: Duration,
    replicas: Option<Replicas>,
}

impl<C> RedisStreamSink<C> {
    const RETENTION: Duration = Duration::from_secs(96 * 60 * 60);

    /// Adds events to the stream `{webhook_inbox}`.
    pub fn new(connection: C) -> Self {
        Self {
            connection,
            stream: "{webhook_inbox}".into(),
            retention: Self::RETENTION,
            replicas: None,
        }
    }

    /// Adds events to the stream `{name}`, braces included. The keys by which
    /// events are recognised are `{name}:…`: in a cluster, all of them are on one
    /// node.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPrefix`] if `name` is empty, longer than 64 bytes,
    /// or has braces or other characters than visible ASCII in it.
    pub fn with_stream(mut self, name: &str) -> Result<Self, ConfigError> {
        let name = checked_prefix(name.to_owned())?;
        if name.contains(['{', '}']) {
            let reason = "it has braces in it";
            return Err(ConfigError::InvalidPrefix {
                prefix: name,
                reason,
            });
        }
        self.stream = format!("{{{name}}}").into();
        Ok(self)
    }

    /// How long an event is remembered from its last delivery on (default: 96
    /// hours). Never less than the provider retries it, and its signature
    /// counts as fresh ([`InboxEvent::remember_for`]).
    pub const fn with_retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Acknowledges an event only once `count` replicas have it, too, and
    /// refuses it after `wait` (`WAIT`), which should be shorter than the
    /// inbox's timeout. The connection waits with it: others should not share
    /// it. Not for a cluster.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if `count` is zero or `wait` below a millisecond,
    /// which would mean for ever.
    pub fn with_replicas(mut self, count: u32, wait: Duration) -> Result<Self, ConfigError> {
        self.replicas = Some(Replicas::new(count, wait)?);
        Ok(self)
    }
}

impl<C: ConnectionLike + Clone + Send + Sync> RedisStreamSink<C> {
    /// Checks that the server keeps what it acknowledges: its version, that it
    /// takes writes, has an append-only file and does not evict. What it does
    /// not say (managed services forbid `INFO` and `CONFIG`) is taken for
    /// granted.
    ///
    /// # Errors
    ///
    /// A [`RedisSetupError`] that says what is wrong and what to do. If
    /// [`NotDurable`](RedisSetupError::NotDurable) is what you want, do not ask.
    pub async fn check(&self) -> Result<(), RedisSetupError> {
        setup::in_time(async {
            let mut connection = self.connection.clone();
            let settings = setup::settings(&mut connection, Eviction::Refused).await?;
            settings
                .iter()
                .try_for_each(|server| server.check_durability())
        })
        .await
    }

    async fn add(&self, event: &InboxEvent) -> Result<Put, SinkError> {
        let mut connection = self.connection.clone();
        let retention = row::life(self.retention.max(event.remember_for()));
        let mut keys = vec![self.stream.to_string()];
        let known_by = [Some(event.key()), event.replay_key()];
        keys.extend(
            known_by
                .into_iter()
                .flatten()
                .map(|key| format!("{}:{}", self.stream, hex::encode(key.as_bytes()))),
        );
        let fields = fields(event);
        let timed = event.timestamp().map_or("", |_| "timed");
        let arguments = |command: &mut Cmd| {
            command.arg(retention).arg(timed);
            for (name, value) in &fields {
                command.arg(name).arg(value);
            }
        };
        let answer: u32 = match self.replicas {
            None => PUT.run(&mut connection, &keys, arguments).await,
            Some(replicas) => {
                let put = PUT.run_and_wait(&mut connection, &keys, arguments, replicas);
                let (answer, replicated) = put.await.map_err(SinkError::new)?;
                replicated.map_err(SinkError::new)?;
                Ok(answer)
            }
        }
        .map_err(SinkError::new)?;
        match answer {
            1 => Ok(Put::Stored),
            0 => Ok(Put::AlreadyStored),
            _ => Err(SinkError::new("the script did not answer")),
        }
    }
}

fn fields(event: &InboxEvent) -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| Some(text.as_bytes().to_vec());
    let millis = |time: crate::Timestamp| Some(time.unix_millis().to_string().into_bytes());
    let all = [
        ("key", text(&hex::encode(event.key().as_bytes()))),
        ("provider", text(event.provider())),
        ("endpoint", text(event.endpoint())),
        (
            "tenant",
            event.tenant().and_then(|tenant| text(tenant.as_str())),
        ),
        (
            "event_id",
            event.event_id().and_then(|id| text(id.as_str())),
        ),
        ("event_type", event.event_type().and_then(text)),
        ("sent_at", event.timestamp().and_then(millis)),
        ("received_at", millis(event.received_at())),
        ("verified_by", event.key_label().and_then(text)),
        ("headers", text(&json::to_json(event.headers()))),
        ("body", Some(event.body().to_vec())),
    ];
    let present = all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    present.collect()
}

impl<C: ConnectionLike + Clone + Send + Sync> Sink for RedisStreamSink<C> {
    fn put<'a>(&'a self, event: &'a InboxEvent) -> SinkFuture<'a, Put> {
        Box::pin(self.add(event))
    }
}

impl<C> fmt::Debug for RedisStreamSink<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStreamSink")
            .field("stream", &self.stream)
            .field("retention", &self.retention)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
