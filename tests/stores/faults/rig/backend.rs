//! The servers under test, alike.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row};
use tower_webhook::store::PostgresStore;

use super::Guard;
use crate::postgres;
use crate::servers::{Postgres, Redis};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Redis,
    Postgres,
}

pub const KINDS: [Kind; 2] = [Kind::Redis, Kind::Postgres];

/// A place for events on a server.
#[derive(Clone, Debug)]
pub struct Backend {
    pub kind: Kind,
    url: String,
    socket: PathBuf,
    /// The table, or the prefix of the keys.
    name: String,
}

/// How many rows are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub in_flight: usize,
    pub released: usize,
    pub done: usize,
}

impl Rows {
    pub const ONE_DONE: Self = Self {
        in_flight: 0,
        released: 0,
        done: 1,
    };
}

impl Backend {
    /// On a server that other tests use.
    pub async fn shared(kind: Kind) -> Self {
        match kind {
            Kind::Redis => Self::redis(Redis::shared()),
            Kind::Postgres => Self::postgres(Postgres::shared()).await,
        }
    }

    pub fn redis(server: &Redis) -> Self {
        Self {
            kind: Kind::Redis,
            url: server.url(),
            socket: server.socket(),
            name: format!("{}:", postgres::new_name()),
        }
    }

    pub async fn postgres(server: &Postgres) -> Self {
        let name = postgres::new_name();
        let store = PostgresStore::connect(&server.url()).await.unwrap();
        store.with_table(&name).unwrap().migrate().await.unwrap();
        Self {
            kind: Kind::Postgres,
            url: server.url(),
            socket: server.socket(),
            name,
        }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    pub fn guard(&self) -> Guard {
        self.guard_at(&self.socket)
    }

    /// The same through another socket.
    pub fn guard_at(&self, socket: &Path) -> Guard {
        let replace = |from: &Path, to: &Path| {
            let text = |path: &Path| path.to_str().unwrap().to_owned();
            self.url.replace(&text(from), &text(to))
        };
        match self.kind {
            Kind::Redis => Guard::Redis {
                url: replace(&self.socket, socket),
                prefix: self.name.clone(),
            },
            Kind::Postgres => Guard::Postgres {
                url: replace(self.socket.parent().unwrap(), socket.parent().unwrap()),
                table: self.name.clone(),
            },
        }
    }

    /// The table as an inbox.
    pub fn inbox(&self) -> Guard {
        self.inbox_at(&self.socket)
    }

    pub fn inbox_at(&self, socket: &Path) -> Guard {
        match self.guard_at(socket) {
            Guard::Postgres { url, table } => Guard::Inbox { url, table },
            guard => panic!("no inbox in {guard:?}"),
        }
    }

    /// Lets the time of all events pass.
    pub async fn advance(&self, by: Duration) {
        self.shift(by.as_secs().try_into().unwrap()).await;
    }

    /// Moves all leases and lives by so many seconds to the past: what the
    /// server's clock would do that is set forward.
    pub async fn shift(&self, seconds: i64) {
        match self.kind {
            Kind::Redis => {
                const SHIFT: &str = r"
                    for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
                        local left = redis.call('PTTL', key) - ARGV[2] * 1000
                        redis.call('PEXPIRE', key, math.max(left, 0))
                    end
                ";
                let mut script = ::redis::cmd("EVAL");
                script.arg(SHIFT).arg(0).arg(&self.name).arg(seconds);
                script.exec_async(&mut self.to_redis().await).await.unwrap();
            }
            Kind::Postgres => {
                let update = format!(
                    "UPDATE {} SET lease_until = lease_until - interval '{seconds} s', \
                     expires_at = expires_at - interval '{seconds} s'",
                    self.name,
                );
                self.to_postgres(&update).await;
            }
        }
    }

    pub async fn rows(&self) -> Rows {
        let states: BTreeMap<String, usize> = match self.kind {
            Kind::Redis => self.lengths().await,
            Kind::Postgres => {
                let select = format!(
                    "SELECT state::text, count(*) FROM {} \
                     WHERE expires_at > clock_timestamp() GROUP BY state",
                    self.name
                );
                let rows = self.to_postgres(&select).await;
                let row = |row: &sqlx::postgres::PgRow| {
                    (row.get(0), usize::try_from(row.get::<i64, _>(1)).unwrap())
                };
                rows.iter().map(row).collect()
            }
        };
        let count = |state: &str| states.get(state).copied().unwrap_or(0);
        Rows {
            in_flight: count("i"),
            released: count("r"),
            done: count("d"),
        }
    }

    /// Whether a Redis has no row. Asked so that none counts as used.
    pub async fn is_empty(&self) -> bool {
        self.keys(&mut self.to_redis().await).await.is_empty()
    }

    async fn keys(&self, connection: &mut MultiplexedConnection) -> Vec<Vec<u8>> {
        let mut keys = ::redis::cmd("KEYS");
        let keys = keys.arg(format!("{}*", self.name));
        keys.query_async(connection).await.unwrap()
    }

    /// The length of a row tells its state.
    async fn lengths(&self) -> BTreeMap<String, usize> {
        let mut connection = self.to_redis().await;
        let mut states = BTreeMap::new();
        for key in self.keys(&mut connection).await {
            let mut length = ::redis::cmd("STRLEN");
            let length: usize = length.arg(key).query_async(&mut connection).await.unwrap();
            let state = match length {
                37 => "i",
                13 => "r",
                12 => "d",
                0 => continue,
                other => panic!("a row of {other} bytes"),
            };
            *states.entry(state.to_owned()).or_default() += 1;
        }
        states
    }

    pub async fn to_redis(&self) -> MultiplexedConnection {
        let client = ::redis::Client::open(self.url.as_str()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    async fn to_postgres(&self, sql: &str) -> Vec<sqlx::postgres::PgRow> {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        query.fetch_all(&mut connection).await.unwrap()
    }
}

/// A server of one's own, that keeps what it has acknowledged.
pub enum Server {
    Redis(Redis),
    Postgres(Postgres),
}

impl Server {
    pub fn start(kind: Kind) -> Self {
        match kind {
            Kind::Redis => Self::Redis(Redis::with(&[
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "no",
            ])),
            // Otherwise a commit may be answered before it is written.
            Kind::Postgres => Self::Postgres(Postgres::with(&["synchronous_commit=on"])),
        }
    }

    pub async fn backend(&self) -> Backend {
        match self {
            Self::Redis(server) => Backend::redis(server),
            Self::Postgres(server) => Backend::postgres(server).await,
        }
    }

    pub fn as_postgres(&self) -> &Postgres {
        match self {
            Self::Postgres(server) => server,
            Self::Redis(_) => panic!("this is a Redis"),
        }
    }

    pub fn pause(&self) {
        match self {
            Self::Redis(server) => server.pause(),
            Self::Postgres(server) => server.pause(),
        }
    }

    pub fn resume(&self) {
        match self {
            Self::Redis(server) => server.resume(),
            Self::Postgres(server) => server.resume(),
        }
    }

    pub fn stop(&mut self) {
        match self {
            Self::Redis(server) => server.stop(),
            Self::Postgres(server) => server.stop(),
        }
    }

    pub fn restart(&mut self) {
        match self {
            Self::Redis(server) => server.restart(),
            Self::Postgres(server) => server.restart(),
        }
    }
}
