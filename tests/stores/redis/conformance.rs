use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use tower_webhook::store::DedupStore;
use tower_webhook::store::conformance::{self, AdvanceFuture, Env};

use super::{own_store, time};
use crate::servers::Redis;

struct Virtual {
    store: Arc<dyn DedupStore>,
    connection: MultiplexedConnection,
    prefix: String,
}

impl Env for Virtual {
    fn store(&self) -> Arc<dyn DedupStore> {
        Arc::clone(&self.store)
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn advance(&self, by: Duration) -> AdvanceFuture<'_> {
        let mut connection = self.connection.clone();
        Box::pin(async move { time::advance(&mut connection, &self.prefix, by).await })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_keeps_the_protocol() {
    let (store, prefix) = own_store(Redis::shared()).await;
    let connection = store.connection().clone();
    let store = Arc::new(store);
    conformance::check(&Virtual {
        store,
        connection,
        prefix,
    })
    .await;
}
