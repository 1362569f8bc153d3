use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;

use super::{RedisSetupError, RedisStore};
use crate::store::DedupStore;

const fn is_store<S: DedupStore>() {}

#[test]
fn every_kind_of_connection_fits() {
    is_store::<RedisStore<ConnectionManager>>();
    is_store::<RedisStore<MultiplexedConnection>>();
    is_store::<RedisStore<ClusterConnection>>();
}

/// An operator reads these once, when a store does not start.
#[test]
fn what_is_wrong_with_a_server_says_what_to_do() {
    let version = "4.0.14".to_owned();
    for (error, said) in [
        (
            RedisSetupError::TooOld { version },
            "Redis 4.0.14 is too old: 5.0",
        ),
        (RedisSetupError::ForeignRow, "choose another prefix"),
        (RedisSetupError::Replica, "connect to its primary"),
    ] {
        let shown = error.to_string();
        assert!(shown.contains(said), "{shown}");
    }
}

/// A primary becomes a replica under a connection that stays.
#[test]
fn a_server_that_takes_no_writes_is_a_replica() {
    let answer = b"-READONLY You can't write against a read only replica.\r\n";
    let error = redis::parse_redis_value(answer).and_then(|value| value.extract_error());
    let error = RedisSetupError::from_redis(error.unwrap_err());
    assert!(matches!(error, RedisSetupError::Replica), "{error:?}");
}
