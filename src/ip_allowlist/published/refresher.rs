use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::status::State;
use super::{Format, RefreshError, RefreshStatus};
use crate::client_ip::Networks;
use crate::clock::{Clock, MonotonicClock};
use crate::ip_allowlist::IpAllowlist;
use crate::{ConfigError, telemetry};

const HOUR: Duration = Duration::from_secs(60 * 60);
const FIRST_RETRY: Duration = Duration::from_secs(30);

/// Keeps an [`IpAllowlist`] as a provider publishes it.
///
/// The fetch function returns the document, or an error: also for any status
/// other than 200, and over nothing but HTTPS, because whoever answers decides
/// who may call. How it gets the document is its own affair; it is called
/// again for each try.
///
/// Whatever goes wrong, the last good list stays, and every failure is an
/// event for operators (feature `tracing`); so is a list that grows stale.
/// See the [module docs](super).
#[must_use = "does nothing unless it is run"]
pub struct AllowlistRefresher<F> {
    allowlist: IpAllowlist,
    format: Format,
    fetch: F,
    kept: Vec<IpNet>,
    interval: Duration,
    timeout: Duration,
    stale_after: Option<Duration>,
    least_share: u8,
    clock: MonotonicClock,
    state: watch::Sender<State>,
    /// The operator knows that the list is stale.
    alarmed: bool,
}

impl<F, Fut, D, E> AllowlistRefresher<F>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<D, E>>,
    D: AsRef<[u8]>,
{
    /// Replaces the content of `allowlist`, and so of all its clones, by what
    /// `fetch` returns, read as `format`.
    ///
    /// What is on the list before the first success counts as good: start
    /// with networks that you have checked. Two refreshers must not share a
    /// list, because each replaces the whole of it.
    pub fn new(allowlist: IpAllowlist, format: Format, fetch: F) -> Self {
        let clock = MonotonicClock::new();
        let refresher = Self {
            allowlist,
            format,
            fetch,
            kept: Vec::new(),
            interval: HOUR,
            timeout: Duration::from_secs(30),
            stale_after: None,
            least_share: 50,
            clock,
            state: watch::Sender::new(State {
                last_success: None,
                last_error: None,
                failures: 0,
                fresh_until: clock.now(),
            }),
            alarmed: false,
        };
        refresher.count_as_fresh();
        refresher
    }

    /// The time from one success to the next fetch, give or take a tenth at
    /// random; an hour by default.
    ///
    /// # Errors
    ///
    /// If it is zero, or more than half of a
    /// [`with_stale_after`](Self::with_stale_after) that was set before.
    pub fn with_interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        non_zero(interval, "the interval of refreshing")?;
        self.interval = interval;
        self.check()
    }

    /// The longest time that a fetch may take; 30 seconds by default.
    ///
    /// # Errors
    ///
    /// If it is zero.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        non_zero(timeout, "the time for a fetch")?;
        self.timeout = timeout;
        Ok(self)
    }

    /// How long after its last success a list counts as stale: a day by
    /// default, or twice the interval if that is longer.
    ///
    /// A stale list goes on being used. Providers announce changes days
    /// ahead, and an operator needs time to see to it.
    ///
    /// # Errors
    ///
    /// If it is less than twice the interval.
    pub fn with_stale_after(mut self, stale_after: Duration) -> Result<Self, ConfigError> {
        self.stale_after = Some(stale_after);
        self.check()
    }

    /// How much of the list a new one must at least have, in percent of the
    /// addresses, for IPv4 and IPv6 each; 50 by default. A smaller one is not
    /// taken: more likely something is missing from the document than that
    /// the provider gave up most of its addresses at once.
    ///
    /// If it did, call [`IpAllowlist::replace`]. 0 takes every list.
    ///
    /// # Errors
    ///
    /// If it is more than 100.
    pub fn with_least_share(mut self, percent: u8) -> Result<Self, ConfigError> {
        if percent > 100 {
            let reason = "the least share of an allowlist is more than 100 %";
            return Err(ConfigError::InvalidRefresh { reason });
        }
        self.least_share = percent;
        Ok(self)
    }

    /// Addresses and networks that are on the list in addition to what is
    /// published, from the first success on: your own health check, for
    /// instance.
    ///
    /// # Errors
    ///
    /// If one cannot be parsed.
    pub fn with_kept<I>(mut self, networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.kept = Networks::parse(networks)?.iter().copied().collect();
        Ok(self)
    }

    /// How this refresher is doing, to be asked while it runs.
    #[must_use]
    pub fn status(&self) -> RefreshStatus {
        RefreshStatus {
            state: self.state.subscribe(),
            clock: self.clock,
        }
    }

    /// Fetches and replaces the list once, at once.
    ///
    /// # Errors
    ///
    /// If the list stays as it was, with the reason.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it leaves the list and the status as they
    /// were.
    pub async fn refresh(&mut self) -> Result<(), RefreshError> {
        let fetched = timeout(self.timeout, (self.fetch)()).await;
        let result = match fetched {
            Ok(Ok(document)) => self.take(document.as_ref()),
            Ok(Err(_)) => Err(RefreshError::Fetch),
            Err(_) => Err(RefreshError::Timeout),
        };
        match result {
            Ok(()) => {
                self.count_as_fresh();
                self.alarmed = false;
                self.state.send_modify(|state| {
                    state.last_success = Some(self.clock.now());
                    state.last_error = None;
                    state.failures = 0;
                });
            }
            Err(error) => {
                telemetry::trouble(self.format.name(), error.sentence());
                self.state.send_modify(|state| {
                    state.last_error = Some(error);
                    state.failures = state.failures.saturating_add(1);
                });
            }
        }
        result
    }

    /// Refreshes the list, now and again, for as long as it is polled: to be
    /// given to `tokio::spawn`, and aborted or dropped at any time.
    ///
    /// After a failure it tries again in 30 seconds, then in twice as many,
    /// up to the interval.
    ///
    /// If the fetch function panics, so does this. The list then stays, and
    /// its [status](Self::status) grows stale.
    pub async fn run(mut self) -> Infallible {
        let mut retry = FIRST_RETRY;
        loop {
            let pause = if self.refresh().await.is_ok() {
                retry = FIRST_RETRY;
                self.interval
            } else {
                let pause = retry.min(self.interval);
                retry = pause.saturating_mul(2);
                pause
            };
            self.rest(jittered(pause)).await;
        }
    }

    /// Waits, and raises the alarm in time.
    async fn rest(&mut self, pause: Duration) {
        let fresh_until = self.state.borrow().fresh_until;
        let fresh_for = fresh_until.saturating_duration_since(self.clock.now());
        if self.alarmed || pause < fresh_for {
            return sleep(pause).await;
        }
        sleep(fresh_for).await;
        self.alarmed = true;
        telemetry::trouble(self.format.name(), "the allowlist is stale");
        sleep(pause.saturating_sub(fresh_for)).await;
    }

    fn take(&self, document: &[u8]) -> Result<(), RefreshError> {
        let published = self
            .format
            .networks(document)
            .map_err(RefreshError::Document)?;
        let new = Networks::new(published.iter().chain(&self.kept).copied().collect());
        let enough = |new: f64, old: f64| new >= old * f64::from(self.least_share) / 100.0;
        let (v4, v6) = sizes(&new);
        let (old_v4, old_v6) = sizes(&self.allowlist.snapshot());
        if !enough(v4, old_v4) || !enough(v6, old_v6) {
            return Err(RefreshError::Shrunk);
        }
        self.allowlist.swap(new);
        Ok(())
    }

    fn count_as_fresh(&self) {
        let stale_after = self
            .stale_after
            .unwrap_or_else(|| self.interval.saturating_mul(2).max(24 * HOUR));
        let fresh_until = self.clock.now().saturating_add(stale_after);
        self.state
            .send_modify(|state| state.fresh_until = fresh_until);
    }

    fn check(self) -> Result<Self, ConfigError> {
        if self
            .stale_after
            .is_some_and(|stale_after| stale_after < self.interval.saturating_mul(2))
        {
            let reason = "an allowlist counts as stale before two intervals of refreshing are over";
            return Err(ConfigError::InvalidRefresh { reason });
        }
        self.count_as_fresh();
        Ok(self)
    }
}

/// How many addresses of IPv4 and of IPv6. Precise enough for a share.
fn sizes(networks: &Networks) -> (f64, f64) {
    networks.iter().fold((0.0, 0.0), |(v4, v6), network| {
        let host_bits = network.max_prefix_len() - network.prefix_len();
        let size = f64::from(host_bits).exp2();
        match network {
            IpNet::V4(_) => (v4 + size, v6),
            IpNet::V6(_) => (v4, v6 + size),
        }
    })
}

/// Between nine and eleven tenths, so that a fleet that was started at once
/// does not fetch at once.
fn jittered(pause: Duration) -> Duration {
    let random = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default();
    let share = f64::from(random) / f64::from(u32::MAX);
    (pause - pause / 10).saturating_add((pause / 5).mul_f64(share))
}

const fn non_zero(value: Duration, setting: &'static str) -> Result<(), ConfigError> {
    if value.is_zero() {
        return Err(ConfigError::Zero { setting });
    }
    Ok(())
}

impl<F> fmt::Debug for AllowlistRefresher<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllowlistRefresher")
            .field("allowlist", &self.allowlist)
            .field("format", &self.format)
            .field("interval", &self.interval)
            .field("state", &*self.state.borrow())
            .finish_non_exhaustive()
    }
}
