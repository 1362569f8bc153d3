//! The protocol, against what every store must do and what only this one can.

use tower_webhook::store::conformance;

use super::Table;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_conforms() {
    conformance::check(&Table::shared().await).await;
}
