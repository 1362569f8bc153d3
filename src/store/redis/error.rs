//! What can be wrong when a store starts.

use std::fmt;

use redis::{ErrorKind, RedisError};

/// Why a Redis server cannot be used, found before the first request.
///
/// The message says what to do. It never holds the URL or a password.
#[derive(Debug)]
#[non_exhaustive]
pub enum RedisSetupError {
    /// The URL is none of a Redis server, or asks for what was not compiled in,
    /// such as TLS.
    InvalidUrl(RedisError),
    /// No server answers.
    Unreachable(RedisError),
    /// The server does not accept the user or the password.
    AuthenticationFailed(RedisError),
    /// The server is older than Redis 5, whose scripts cannot write what
    /// depends on the time.
    TooOld {
        /// The server's version.
        version: String,
    },
    /// The server is a replica, which takes no writes.
    Replica,
    /// The server forgets live events when its memory is full. An event that a
    /// store forgets runs again; one that an inbox forgets is lost.
    Evicting {
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// The server has no append-only file: what it acknowledged is lost when it
    /// stops.
    NotDurable,
    /// The server refuses what the store does.
    Refused(RedisError),
    /// The server holds something else under the store's prefix.
    ForeignRow,
}

impl RedisSetupError {
    pub(crate) fn from_redis(error: RedisError) -> Self {
        let code = error.code().unwrap_or_default();
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::AuthenticationFailed(error),
            _ if matches!(code, "NOAUTH" | "WRONGPASS") => Self::AuthenticationFailed(error),
            ErrorKind::InvalidClientConfig => Self::InvalidUrl(error),
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Self::Unreachable(error),
            _ if code == "READONLY" => Self::Replica,
            _ => Self::Refused(error),
        }
    }
}

impl fmt::Display for RedisSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(error) => write!(
                f,
                "the URL of Redis cannot be used ({error}); it looks like \
                 redis://user:password@host:6379/0 or redis+unix:///path/to/socket, and rediss:// \
                 needs a TLS feature of the crate redis"
            ),
            Self::Unreachable(error) => write!(
                f,
                "Redis cannot be reached ({error}); check the address, that the server runs, and \
                 that nothing in between blocks it"
            ),
            Self::AuthenticationFailed(error) => write!(
                f,
                "Redis does not accept the user or the password ({error}); both belong into the \
                 URL, percent-encoded"
            ),
            Self::TooOld { version } => write!(
                f,
                "Redis {version} is too old: 5.0 or later is needed, or Valkey"
            ),
            Self::Replica => f.write_str(
                "this Redis is a replica and takes no writes; connect to its primary, or in a \
                 cluster with a cluster connection",
            ),
            Self::Evicting { policy } => write!(
                f,
                "this Redis forgets events when its memory is full (maxmemory-policy {policy}), \
                 and they would run again or be lost; set maxmemory-policy to noeviction, or use a server of \
                 its own"
            ),
            Self::NotDurable => f.write_str(
                "this Redis loses what it acknowledged when it stops; set appendonly to yes, and \
                 appendfsync to always",
            ),
            Self::Refused(error) => write!(
                f,
                "Redis refuses what the store does ({error}); its user needs EVAL, EVALSHA, GET, \
                 SET, PTTL, PEXPIRE and DEL on the keys with the store's prefix"
            ),
            Self::ForeignRow => f.write_str(
                "Redis holds something else under the store's prefix; choose another prefix",
            ),
        }
    }
}

/// The cause is part of the message.
impl std::error::Error for RedisSetupError {}
