//! What goes on beside a handler.

use tokio::time::{Instant, sleep};

use super::layer::Config;
use super::rows::Held;
use super::step::step;
use crate::delivery::Delivery;
use crate::store::{Renewed, StoreError};
use crate::telemetry;

impl Held {
    /// Renews the lease until it is lost or held for too long.
    pub(super) async fn keep_renewing(&self, config: &Config, delivery: &Delivery) {
        let interval = config.renew_interval();
        let timeout = interval.min(config.store_timeout);
        // The lease counts from before it was asked for: the store's clock
        // cannot have started it earlier.
        let mut renewed = self.claimed;
        let mut asked = self.claimed;
        while self.claimed.elapsed() < config.max_hold {
            let next = interval.saturating_sub(asked.elapsed());
            let left = config.lease.saturating_sub(renewed.elapsed());
            sleep(if left.is_zero() { next } else { next.min(left) }).await;
            if renewed.elapsed() >= config.lease {
                self.lease.lose();
            }
            if asked.elapsed() < interval {
                continue;
            }
            asked = Instant::now();
            match step(timeout, self.renew(config)).await {
                Ok(Renewed::Extended) => renewed = asked,
                Ok(Renewed::Lost) => {
                    telemetry::trouble(delivery.provider(), "a lease was lost to another delivery");
                    self.lease.lose();
                    return;
                }
                Err(error) => {
                    telemetry::failed(delivery.provider(), "a lease could not be renewed", &error);
                }
            }
        }
        telemetry::trouble(
            delivery.provider(),
            "a handler runs for longer than its lease may be held",
        );
        sleep(config.lease.saturating_sub(renewed.elapsed())).await;
        self.lease.lose();
    }

    async fn renew(&self, config: &Config) -> Result<Renewed, StoreError> {
        for key in self.keys() {
            let renewed = config
                .store
                .renew(key, self.owner, config.lease, self.ttl)
                .await?;
            if renewed == Renewed::Lost {
                return Ok(Renewed::Lost);
            }
        }
        Ok(Renewed::Extended)
    }
}
