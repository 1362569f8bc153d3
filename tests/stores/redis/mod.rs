//! The store and the limiter in Redis.

mod conformance;
mod faults;
mod limiter;
mod setup;
pub mod time;
mod topology;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use ::redis::AsyncConnectionConfig;
use ::redis::aio::MultiplexedConnection;
use tower_webhook::store::{DedupKey, RedisStore};

use crate::servers::Redis;

/// For answers, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that stays broken when it breaks.
pub async fn connection(server: &Redis) -> MultiplexedConnection {
    let client = ::redis::Client::open(server.url()).unwrap();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    connection.await.unwrap()
}

/// A store of one's own on a server that others use.
pub async fn own_store(server: &Redis) -> (RedisStore<MultiplexedConnection>, String) {
    let prefix = format!("{:016x}:", RandomState::new().hash_one(()));
    let store = RedisStore::new(connection(server).await);
    (store.with_prefix(&prefix).unwrap(), prefix)
}

pub fn key(number: u8) -> DedupKey {
    DedupKey::from_bytes([number; 32])
}

/// One for the few things that sockets in files cannot do.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
