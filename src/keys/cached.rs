use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::slot::{Slot, Terms, Wanted};
use super::{KeyError, KeyFuture, KeyResolver};
use crate::clock::{Clock, MonotonicClock};
use crate::signature::{KeyName, PublicKey};
use crate::{ConfigError, Timestamp};

/// Longer names are nobody's: they are not even remembered.
const MAX_NAME: usize = 2048;

/// How long after a failed look-up the same name is not looked up again.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// When a look-up that does not end is given up.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(30);

/// A [`KeyResolver`] that remembers what another one found.
///
/// - A key is remembered for an hour, that there is none for a minute, a
///   failure for 10 seconds.
/// - One name is looked up once at a time, however many requests name it, and
///   the look-up goes on if the request that started it goes away.
/// - Names are chosen by senders, so look-ups are limited: 60 in a minute, over
///   all names. A further request for a name that is not remembered fails, and
///   is answered with 503. An attacker can use that up, and delay the first
///   request with a new key, never those with keys that are remembered.
/// - 256 names are remembered. Those without a key make room first.
/// - When a key is due to be looked up again and that fails, it serves for
///   another hour: a provider's bad minute shall not stop its deliveries. A
///   key that the provider withdrew meanwhile is trusted for as long.
///
/// Needs a tokio runtime. Follows a [`Clock`], the monotonic one by default.
#[derive(Clone)]
pub struct CachedKeys {
    inner: Arc<dyn KeyResolver>,
    settings: Settings,
    names: Arc<Mutex<Names>>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    ttl: Duration,
    negative_ttl: Duration,
    max_stale: Duration,
    max_names: usize,
    look_ups: u32,
}

type Found = Option<PublicKey>;

#[derive(Default)]
struct Names {
    slots: HashMap<KeyName, Remembered>,
    /// Counts uses, to tell which was last.
    uses: u64,
    minute: Option<Timestamp>,
    look_ups: u32,
}

struct Remembered {
    slot: Arc<Slot<Found>>,
    used: u64,
}

impl CachedKeys {
    /// Remembers what `resolver` finds.
    #[must_use]
    pub fn new(resolver: Arc<dyn KeyResolver>) -> Self {
        Self {
            inner: resolver,
            settings: Settings {
                ttl: Duration::from_secs(60 * 60),
                negative_ttl: Duration::from_secs(60),
                max_stale: Duration::from_secs(60 * 60),
                max_names: 256,
                look_ups: 60,
            },
            names: Arc::default(),
            clock: Arc::new(MonotonicClock::new()),
        }
    }

    /// For how long a key is used before it is looked up again (default: an
    /// hour).
    ///
    /// # Errors
    ///
    /// If `ttl` is zero.
    pub fn with_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.settings.ttl = not_zero(ttl, "ttl of a key")?;
        Ok(self)
    }

    /// For how long it is remembered that there is no such key (default: a
    /// minute).
    ///
    /// # Errors
    ///
    /// If `ttl` is zero: every request with an unknown key would be looked up.
    pub fn with_negative_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.settings.negative_ttl = not_zero(ttl, "ttl of an unknown key")?;
        Ok(self)
    }

    /// For how much longer a key serves while looking it up again fails
    /// (default: an hour). With zero, its requests are refused with 503.
    #[must_use]
    pub const fn with_max_stale(mut self, duration: Duration) -> Self {
        self.settings.max_stale = duration;
        self
    }

    /// How many names are remembered (default: 256).
    ///
    /// # Errors
    ///
    /// If `names` is zero.
    pub fn with_max_names(mut self, names: usize) -> Result<Self, ConfigError> {
        if names == 0 {
            return Err(ConfigError::Zero {
                setting: "max_names",
            });
        }
        self.settings.max_names = names;
        Ok(self)
    }

    /// How many look-ups there may be in a minute (default: 60).
    ///
    /// # Errors
    ///
    /// If `look_ups` is zero.
    pub fn with_max_look_ups(mut self, look_ups: u32) -> Result<Self, ConfigError> {
        if look_ups == 0 {
            return Err(ConfigError::Zero {
                setting: "max_look_ups",
            });
        }
        self.settings.look_ups = look_ups;
        Ok(self)
    }

    /// The clock that lifetimes are measured with.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What is remembered of `name`, with room made for it.
    fn slot(&self, name: &KeyName) -> Arc<Slot<Found>> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.uses += 1;
        let used = names.uses;
        if let Some(remembered) = names.slots.get_mut(name) {
            remembered.used = used;
            return Arc::clone(&remembered.slot);
        }
        if names.slots.len() >= self.settings.max_names {
            let cheapest = names.slots.iter().min_by_key(|(_, remembered)| {
                let has_key = remembered.slot.found().flatten().is_some();
                (has_key, remembered.used)
            });
            if let Some(name) = cheapest.map(|(name, _)| name.clone()) {
                names.slots.remove(&name);
            }
        }
        let slot = Arc::new(Slot::new());
        let remembered = Remembered {
            slot: Arc::clone(&slot),
            used,
        };
        names.slots.insert(name.clone(), remembered);
        slot
    }
}

impl Names {
    /// Whether one more look-up is within the limit.
    fn may_look_up(&mut self, limit: u32, now: Timestamp) -> bool {
        let minute = Duration::from_secs(60);
        let begun = self
            .minute
            .filter(|begun| now.saturating_duration_since(*begun) < minute);
        if begun.is_none() {
            self.minute = Some(now);
            self.look_ups = 0;
        }
        let may = self.look_ups < limit;
        self.look_ups += u32::from(may);
        may
    }
}

impl Wanted<Found> for Settings {
    fn terms(&self, found: &Found) -> Terms {
        let (fresh, stale) = match found {
            Some(_) => (self.ttl, self.max_stale),
            None => (self.negative_ttl, Duration::ZERO),
        };
        Terms {
            fresh,
            stale,
            failure: AFTER_FAILURE,
            again: Duration::ZERO,
        }
    }

    fn failure(&self) -> Duration {
        AFTER_FAILURE
    }

    fn is_in(&self, _: &Found) -> bool {
        true
    }
}

impl KeyResolver for CachedKeys {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(async move {
            let (KeyName::Id(text) | KeyName::Url(text)) = name;
            if text.len() > MAX_NAME {
                return Ok(None);
            }
            let slot = self.slot(name);
            let look_up = || {
                let (inner, name) = (Arc::clone(&self.inner), name.clone());
                let (names, clock) = (Arc::clone(&self.names), Arc::clone(&self.clock));
                let limit = self.settings.look_ups;
                async move {
                    let may = names
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .may_look_up(limit, clock.now());
                    if !may {
                        return Err(KeyError::new("too many keys were looked up in a minute"));
                    }
                    match tokio::time::timeout(LOOK_UP_TIMEOUT, inner.resolve(&name)).await {
                        Ok(answer) => answer,
                        Err(elapsed) => Err(KeyError::new(elapsed)),
                    }
                }
            };
            slot.get(&self.settings, &self.clock, look_up).await
        })
    }
}

fn not_zero(duration: Duration, setting: &'static str) -> Result<Duration, ConfigError> {
    match duration.is_zero() {
        true => Err(ConfigError::Zero { setting }),
        false => Ok(duration),
    }
}

impl fmt::Debug for CachedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKeys")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
