use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, RandomState};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use sqlx::{Postgres, Transaction};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::run::Run;
use super::sql::query;
use super::{Failure, PostgresInbox, StoredEvent, TEN_YEARS};
use crate::{ConfigError, telemetry};

/// Processes the events of a [`PostgresInbox`]. Any number of them may work on
/// one table, in one process or many.
///
/// An event is taken for a lease, which is renewed while its handler runs. If
/// the process dies, another worker takes the event once the lease is over, with
/// the next [attempt](StoredEvent::attempt); an earlier attempt that is late
/// changes nothing any more. What fails is tried again after a pause that
/// doubles, and is a dead letter after the last attempt. Events are not put in
/// order: one that fails does not hold up the others.
///
/// If the future of [`run`](Self::run) is dropped, its handlers are, and their
/// events wait for their leases to run out.
#[must_use]
#[derive(Clone, Debug)]
pub struct PostgresWorker {
    pub(super) inbox: PostgresInbox,
    pub(super) config: Config,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Config {
    concurrency: u16,
    poll_interval: Duration,
    pub(super) lease: Duration,
    pub(super) max_run: Duration,
    pub(super) max_attempts: u32,
    pub(super) first_pause: Duration,
    pub(super) longest_pause: Duration,
    pub(super) retention: Duration,
}

impl PostgresWorker {
    /// A worker on the events of `inbox`.
    pub const fn new(inbox: PostgresInbox) -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            inbox,
            config: Config {
                concurrency: 4,
                poll_interval: Duration::from_secs(1),
                lease: Duration::from_secs(30),
                max_run: Duration::from_secs(15 * MINUTE.as_secs()),
                max_attempts: 15,
                first_pause: Duration::from_secs(5),
                longest_pause: Duration::from_secs(60 * MINUTE.as_secs()),
                retention: Duration::from_secs(96 * 60 * MINUTE.as_secs()),
            },
        }
    }

    /// How many events may be processed at once (default: 4). Each step takes a
    /// connection of the pool for a moment; with
    /// [`run_in_transaction`](Self::run_in_transaction) each event holds one.
    ///
    /// # Errors
    ///
    /// If `count` is zero.
    pub fn with_concurrency(mut self, count: u16) -> Result<Self, ConfigError> {
        let setting = "the number of events that are processed at once";
        if count == 0 {
            return Err(ConfigError::Zero { setting });
        }
        self.config.concurrency = count;
        Ok(self)
    }

    /// How often to look for events (default: every second, give or take a
    /// quarter). Events that this process stores are found at once.
    ///
    /// # Errors
    ///
    /// If `interval` is zero.
    pub fn with_poll_interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        if interval.is_zero() {
            let setting = "the interval of a worker";
            return Err(ConfigError::Zero { setting });
        }
        self.config.poll_interval = interval.min(TEN_YEARS);
        Ok(self)
    }

    /// How long an event waits after its process died (default: 30 seconds). A
    /// running handler renews it at every third of that.
    ///
    /// # Errors
    ///
    /// If `lease` is shorter than a second, or longer than a handler may run.
    pub fn with_lease(mut self, lease: Duration) -> Result<Self, ConfigError> {
        self.config.lease = lease;
        self.checked()
    }

    /// How long a handler may run (default: 15 minutes). One that takes longer
    /// is dropped, and has failed.
    ///
    /// # Errors
    ///
    /// If `max_run` is shorter than the lease.
    pub fn with_max_run(mut self, max_run: Duration) -> Result<Self, ConfigError> {
        self.config.max_run = max_run.min(TEN_YEARS);
        self.checked()
    }

    /// How often an event is tried until it is a dead letter (default: 15
    /// times, which with the default pauses takes about six hours).
    ///
    /// # Errors
    ///
    /// If `count` is zero.
    pub fn with_max_attempts(mut self, count: u16) -> Result<Self, ConfigError> {
        let setting = "the number of attempts";
        if count == 0 {
            return Err(ConfigError::Zero { setting });
        }
        self.config.max_attempts = u32::from(count);
        Ok(self)
    }

    /// The pause after the first failure (default: 5 seconds), which doubles
    /// with each, and the longest (default: an hour). Each is up to a quarter
    /// longer or shorter, so that events that failed together do not come back
    /// together.
    ///
    /// # Errors
    ///
    /// If `longest` is shorter than `first`.
    pub fn with_pauses(mut self, first: Duration, longest: Duration) -> Result<Self, ConfigError> {
        if longest < first {
            let reason = "the longest pause is shorter than the first";
            return Err(ConfigError::InvalidLease { reason });
        }
        self.config.first_pause = first.min(TEN_YEARS);
        self.config.longest_pause = longest.min(TEN_YEARS);
        Ok(self)
    }

    /// How long a done event is remembered (default: 96 hours), so that its
    /// repetition is recognised. Never less than the provider retries it, and
    /// its signature counts as fresh
    /// ([`InboxEvent::remember_for`](super::super::InboxEvent::remember_for)).
    pub fn with_retention(mut self, retention: Duration) -> Self {
        self.config.retention = retention.min(TEN_YEARS);
        self
    }

    /// Processes events with `handler` until `stop` is done; then takes no
    /// more, and waits for the handlers that run.
    ///
    /// An event is done when its handler returned `Ok`. One whose handler
    /// returns an error, panics, or takes too long is tried again.
    pub async fn run<H, Fut, E>(self, handler: H, stop: impl Future<Output = ()>)
    where
        H: Fn(StoredEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Failure> + 'static,
    {
        let handler = Arc::new(handler);
        let start = |run: Run| {
            let handler = Arc::clone(&handler);
            async move { run.with(&*handler).await }
        };
        self.work(start, stop).await;
    }

    /// Like [`run`](Self::run), with a transaction for each event, which the
    /// handler gives back. The event is marked done in it: what the handler
    /// wrote with it, and that the event is done, is one commit or nothing.
    /// Effects in this database so happen exactly once.
    ///
    /// ```no_run
    /// use sqlx::{Postgres, Transaction};
    /// use tower_webhook::inbox::{Failure, StoredEvent};
    ///
    /// async fn paid(
    ///     stored: StoredEvent,
    ///     mut transaction: Transaction<'static, Postgres>,
    /// ) -> Result<Transaction<'static, Postgres>, Failure> {
    ///     sqlx::query("INSERT INTO paid (event) VALUES ($1)")
    ///         .bind(stored.event().event_id().map(|id| id.as_str()))
    ///         .execute(&mut *transaction)
    ///         .await?;
    ///     Ok(transaction)
    /// }
    /// # async fn run(worker: tower_webhook::inbox::PostgresWorker) {
    /// worker.run_in_transaction(paid, std::future::pending()).await;
    /// # }
    /// ```
    pub async fn run_in_transaction<H, Fut, E>(self, handler: H, stop: impl Future<Output = ()>)
    where
        H: Fn(StoredEvent, Transaction<'static, Postgres>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Transaction<'static, Postgres>, E>> + Send + 'static,
        E: Into<Failure> + 'static,
    {
        let handler = Arc::new(handler);
        let start = |run: Run| {
            let handler = Arc::clone(&handler);
            async move { run.with_transaction(&*handler).await }
        };
        self.work(start, stop).await;
    }

    async fn work<Fut>(self, start: impl Fn(Run) -> Fut, stop: impl Future<Output = ()>)
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        const TIDY_INTERVAL: Duration = Duration::from_secs(60);
        let mut stop = pin!(stop);
        let mut running = JoinSet::new();
        let mut next_tidy = Instant::now();
        loop {
            let capacity = usize::from(self.config.concurrency);
            for stored in self.claim(capacity.saturating_sub(running.len())).await {
                running.spawn(start(Run::new(self.clone(), stored)));
            }
            if next_tidy <= Instant::now() {
                next_tidy = Instant::now() + TIDY_INTERVAL;
                if let Err(cause) = self.inbox.forget_done().await {
                    telemetry::failed("", "done webhooks could not be deleted", &cause);
                }
            }
            let more = async {
                let poll = pin!(sleep(jittered(self.config.poll_interval)));
                let stored = pin!(self.inbox.stored.notified());
                first(poll, stored).await;
            };
            let mut more = pin!((running.len() < capacity).then_some(more));
            let stopped = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(true);
                }
                let ended = matches!(running.poll_join_next(cx), Poll::Ready(Some(_)));
                let more = more.as_mut().as_pin_mut();
                match ended || more.is_some_and(|more| more.poll(cx).is_ready()) {
                    true => Poll::Ready(false),
                    false => Poll::Pending,
                }
            });
            if stopped.await {
                break;
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Takes up to `count` events that are due.
    async fn claim(&self, count: usize) -> Vec<StoredEvent> {
        if count == 0 {
            return Vec::new();
        }
        let claim = query(&self.inbox.statements.claim)
            .bind(i32::try_from(self.config.max_attempts).unwrap_or(i32::MAX))
            .bind(self.config.lease.as_secs_f64())
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .fetch_all(&self.inbox.pool);
        let claimed = claim.await.and_then(|rows| {
            let events = rows.iter().map(StoredEvent::try_from);
            events.collect::<Result<Vec<_>, _>>()
        });
        let claimed = claimed.unwrap_or_else(|cause| {
            telemetry::failed("", "stored webhooks could not be taken", &cause);
            Vec::new()
        });
        let (dead, alive): (Vec<_>, Vec<_>) = claimed.into_iter().partition(StoredEvent::is_dead);
        for stored in dead {
            let class = stored.last_error().unwrap_or_default();
            telemetry::not_processed(stored.event().provider(), stored.attempt(), class, true);
        }
        alive
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let Config { lease, max_run, .. } = self.config;
        let invalid = |reason| Err(ConfigError::InvalidLease { reason });
        if lease < Duration::from_secs(1) {
            return invalid("the lease is shorter than a second");
        }
        if max_run < lease {
            return invalid("a handler may not run for as long as a lease");
        }
        Ok(self)
    }
}

/// Waits for one of two.
async fn first(mut one: Pin<&mut impl Future>, mut other: Pin<&mut impl Future>) {
    poll_fn(
        |cx| match one.as_mut().poll(cx).is_ready() || other.as_mut().poll(cx).is_ready() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        },
    )
    .await;
}

/// Up to a quarter longer or shorter, so that workers do not ask together.
fn jittered(interval: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 1024;
    let part = interval / 2 / 1024 * u32::try_from(random).unwrap_or(0);
    (interval / 4 * 3).saturating_add(part)
}
