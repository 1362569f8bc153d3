//! Where [`MemoryRateLimiter`](super::MemoryRateLimiter) keeps its buckets.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

use super::{Quota, RateKey};

/// A bounded map from key to the time at which its bucket is full again
/// (GCRA's theoretical arrival time), as a cache with many small sets.
///
/// A key belongs to the set that its hash names. When that set has no room,
/// the buckets in it that are full again are dropped: they are
/// indistinguishable from new ones. When none is, the new key is charged to the
/// set's overflow bucket; a look does not hold that against it. So every
/// operation touches one short row under one lock, nothing has to be swept, and
/// a flood of keys cannot grow the map.
pub(super) struct Buckets {
    sets: Box<[Mutex<Set>]>,
    ways: usize,
    /// Keyed at random: callers choose their addresses, and must not be able
    /// to choose each other's set.
    hasher: RandomState,
    interval: u64,
    burst_tolerance: u64,
}

#[derive(Default)]
struct Set {
    rows: Vec<(RateKey, Nanos)>,
    overflow: Option<Nanos>,
}

/// What governor is asked with.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Probe {
    pub(super) key: RateKey,
    /// Answer, but take nothing. governor has no such operation.
    pub(super) dry_run: bool,
}

impl Buckets {
    /// At most `max_keys`, which must not be zero, and an overflow bucket per
    /// 32 of them.
    pub(super) fn new(quota: Quota, max_keys: usize) -> Self {
        let sets = (max_keys / WAYS).max(1);
        let interval = nanos(quota.interval());
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
            ways: max_keys.min(WAYS),
            hasher: RandomState::new(),
            interval,
            burst_tolerance: nanos(quota.period()).saturating_sub(interval),
        }
    }

    fn set_of(&self, key: RateKey) -> Option<&Mutex<Set>> {
        // The hash as a fraction of its range, times the number of sets.
        let scaled = u128::from(self.hasher.hash_one(key)) * self.sets.len() as u128;
        self.sets.get(usize::try_from(scaled >> 64).ok()?)
    }

    /// How many keys are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let len = |set: &Mutex<Set>| set.lock().unwrap().rows.len();
        self.sets.iter().map(len).sum()
    }
}

impl Set {
    /// The bucket of `key`: `None` inside for one that is full. Makes room if
    /// that decides whether the key has a bucket to itself.
    fn bucket(&mut self, key: RateKey, ways: usize, now: Nanos, latest: Nanos) -> Bucket<'_> {
        if let Some(at) = self.rows.iter().position(|(known, _)| *known == key) {
            return self
                .rows
                .get_mut(at)
                .map_or(Bucket::New, |(_, full_at)| Bucket::Known(full_at));
        }
        if self.rows.len() < ways {
            return Bucket::New;
        }
        self.rows.retain_mut(|(_, full_at)| {
            *full_at = (*full_at).min(latest);
            *full_at > now
        });
        if self.rows.len() < ways {
            Bucket::New
        } else {
            Bucket::Shared(self.overflow.get_or_insert(now))
        }
    }
}

enum Bucket<'a> {
    New,
    Known(&'a mut Nanos),
    /// Of all keys for which there is no room.
    Shared(&'a mut Nanos),
}

impl StateStore for Buckets {
    type Key = Probe;

    fn measure_and_replace<T, F, E>(&self, probe: &Probe, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // governor does not say what time it took, but a new bucket that is
        // charged once is full again one interval from then.
        let (fresh, full_at) = decide(None)?;
        let now = Nanos::new(full_at.as_u64().saturating_sub(self.interval));
        let latest = Nanos::new(full_at.as_u64().saturating_add(self.burst_tolerance));

        let Some(set) = self.set_of(probe.key) else {
            return Ok(fresh);
        };
        // A panic under the lock leaves a set that is whole.
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        match set.bucket(probe.key, self.ways, now, latest) {
            Bucket::New => {
                if !probe.dry_run {
                    set.rows.push((probe.key, full_at));
                }
                Ok(fresh)
            }
            // Strangers in large numbers must not shut out a genuine caller,
            // who takes nothing and so is never held.
            Bucket::Shared(_) if probe.dry_run => Ok(fresh),
            Bucket::Known(bucket) | Bucket::Shared(bucket) => {
                // No bucket takes longer than the burst's period to fill. A
                // later time was written before the clock was set back, and
                // would lock the key out until the clock has caught up. It is
                // corrected for good, or each look would postpone it.
                *bucket = (*bucket).min(latest);
                let (outcome, full_at) = decide(Some(*bucket))?;
                if !probe.dry_run {
                    *bucket = full_at;
                }
                Ok(outcome)
            }
        }
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How many keys a set holds. Large enough that sets rarely overflow before
/// the whole is three quarters full, small enough to be searched in a few
/// cache lines.
const WAYS: usize = 32;
