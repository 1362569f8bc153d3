//! One event in the hands of its worker.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use sqlx::{PgExecutor, Postgres, Transaction};
use tokio::time::{Instant, sleep, timeout};

use super::sql::query;
use super::{Failure, PostgresWorker, StoredEvent};
use crate::dedup::{Panicked, run};
use crate::postgres::statement::{Query, begin};
use crate::telemetry;

pub(super) struct Run {
    worker: PostgresWorker,
    stored: StoredEvent,
}

impl Run {
    pub(super) const fn new(worker: PostgresWorker, stored: StoredEvent) -> Self {
        Self { worker, stored }
    }

    pub(super) async fn with<H, Fut, E>(self, handler: &H)
    where
        H: Fn(StoredEvent) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Into<Failure>,
    {
        let handled = async { handler(self.stored.clone()).await.map_err(Into::into) };
        match self.guarded(handled).await {
            Ok(()) => self.settle(|| self.done()).await,
            Err(failure) => self.fail(failure).await,
        }
    }

    pub(super) async fn with_transaction<H, Fut, E>(self, handler: &H)
    where
        H: Fn(StoredEvent, Transaction<'static, Postgres>) -> Fut,
        Fut: Future<Output = Result<Transaction<'static, Postgres>, E>>,
        E: Into<Failure>,
    {
        let handled = async {
            let transaction = begin(&self.worker.inbox.pool, || "BEGIN").await?;
            let handled = handler(self.stored.clone(), transaction).await;
            let mut transaction = handled.map_err(Into::into)?;
            let done = self.done().execute(&mut *transaction).await?;
            if done.rows_affected() == 0 {
                // Dropped, the transaction is rolled back.
                return Err(Failure::new("lease_lost"));
            }
            Ok(transaction.commit().await?)
        };
        if let Err(failure) = self.guarded(handled).await {
            self.fail(failure).await;
        }
    }

    /// Runs a handler with its lease renewed. Panics, and what takes too long,
    /// are failures.
    async fn guarded(
        &self,
        handler: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let handler = timeout(self.worker.config.max_run, handler);
        match run(pin!(Some(handler)), || self.keep_renewing()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::new("timeout")),
            Err(Panicked) => Err(Failure::new("panic")),
        }
    }

    /// Until the lease is lost. A renewal that fails is followed by another
    /// before the lease is over.
    async fn keep_renewing(&self) {
        let lease = self.worker.config.lease;
        let stored = self.stored.event();
        loop {
            sleep(lease / 3).await;
            let renew = query(&self.worker.inbox.statements.renew)
                .bind(stored.key().as_bytes().as_slice())
                .bind(self.stored.fence())
                .bind(lease.as_secs_f64());
            match renew.execute(&self.worker.inbox.pool).await {
                Ok(renewed) if renewed.rows_affected() == 0 => return,
                Ok(_) => {}
                Err(cause) => {
                    telemetry::failed(
                        stored.provider(),
                        "the lease of a webhook was not renewed",
                        &cause,
                    );
                }
            }
        }
    }

    fn done(&self) -> Query<'_> {
        query(&self.worker.inbox.statements.done)
            .bind(self.stored.event().key().as_bytes().as_slice())
            .bind(self.stored.fence())
            .bind(self.worker.config.retention.as_secs_f64())
    }

    async fn fail(&self, failure: Failure) {
        let stored = &self.stored;
        let config = &self.worker.config;
        let dead = failure.is_permanent() || stored.tries() >= config.max_attempts;
        let provider = stored.event().provider();
        telemetry::not_processed(provider, stored.attempt(), failure.class(), dead);
        let pause = pause(config.first_pause, config.longest_pause, stored.tries());
        let state = if dead { "dead" } else { "pending" };
        let failed = || {
            query(&self.worker.inbox.statements.failed)
                .bind(stored.event().key().as_bytes().as_slice())
                .bind(stored.fence())
                .bind(state)
                .bind(failure.class())
                .bind(pause.as_secs_f64())
        };
        self.settle(failed).await;
    }

    /// Tries to write what became of the event until the lease is over, when
    /// somebody else may have taken over.
    async fn settle<'q>(&self, statement: impl Fn() -> Query<'q>) {
        const PAUSE: Duration = Duration::from_millis(300);
        let started = Instant::now();
        loop {
            match settled(statement(), &self.worker.inbox.pool).await {
                Ok(true) => return,
                Ok(false) => {
                    let provider = self.stored.event().provider();
                    return telemetry::trouble(
                        provider,
                        "a stored webhook was processed after its lease was lost",
                    );
                }
                Err(cause) if started.elapsed() >= self.worker.config.lease => {
                    let what = "what became of a stored webhook could not be written";
                    return telemetry::failed(self.stored.event().provider(), what, &cause);
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

async fn settled(statement: Query<'_>, executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    Ok(statement.execute(executor).await?.rows_affected() > 0)
}

/// Doubles with each of the `tries`.
fn pause(first: Duration, longest: Duration, tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(31);
    first.saturating_mul(1 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (first, longest) = (Duration::from_secs(5), Duration::from_secs(3600));
        let seconds = [1, 2, 3, 10, 11, 40, u32::MAX];
        let seconds = seconds.map(|tries| pause(first, longest, tries).as_secs());
        assert_eq!(seconds, [5, 10, 20, 2560, 3600, 3600, 3600]);
    }
}
