use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;

use super::RedisStore;
use crate::store::DedupStore;

const fn is_store<S: DedupStore>() {}

#[test]
fn every_kind_of_connection_fits() {
    is_store::<RedisStore<ConnectionManager>>();
    is_store::<RedisStore<MultiplexedConnection>>();
    is_store::<RedisStore<ClusterConnection>>();
}
