//! What is known of events, in a table of fixed size.

use std::sync::{Mutex, MutexGuard};

use crate::Timestamp;
use crate::store::memory::{KeyHasher, lock};
use crate::store::{Claim, Claimed, DedupKey, Fingerprint, Owner};

/// How many places a key may take. With fewer, keys that meet push each other
/// out of a table that has room elsewhere.
const WAYS: usize = 8;

/// Each key has its set of [`WAYS`] places; of those, the entry that ends first
/// makes room. That needs no list of ages, and no lock but the set's.
pub(super) struct Cache {
    sets: Box<[Mutex<Set>]>,
    hasher: KeyHasher,
}

type Set = [Option<Entry>; WAYS];

#[cfg(test)]
pub(super) const BYTES_PER_EVENT: usize = size_of::<Mutex<Set>>() / WAYS;

struct Entry {
    key: DedupKey,
    known: Known,
    ends_at: Timestamp,
}

enum Known {
    /// The owner asks the store, and will know. A `forget` that comes meanwhile
    /// removes this, so that an answer from before it is not remembered after.
    Asking(Owner),
    /// The owner has the event. This answers no claim; it keeps the attempt
    /// for the completion, which does not tell it.
    Won(Owner, u32),
    Done(Done),
}

/// An event that is done.
#[derive(Clone, Copy)]
pub(super) struct Done {
    /// Of the delivery by which this is known. It agrees with the store's,
    /// which may be another: one of the two is [`Fingerprint::NONE`] then.
    pub(super) fingerprint: Fingerprint,
    pub(super) status: u16,
    pub(super) attempt: u32,
    /// When the store forgets it.
    pub(super) expires_at: Timestamp,
}

impl Done {
    pub(super) fn claimed(&self, now: Timestamp) -> Claimed {
        Claimed::Duplicate {
            status: self.status,
            attempt: self.attempt,
            expires_in: self.expires_at.saturating_duration_since(now),
        }
    }

    /// Stricter than [`Fingerprint::agrees_with`]: known by a delivery without
    /// a fingerprint, the event may still conflict with one that has one.
    fn answers(&self, fingerprint: Fingerprint) -> bool {
        fingerprint == Fingerprint::NONE || fingerprint == self.fingerprint
    }
}

/// What is known before the store is asked.
pub(super) enum Look<'a> {
    Done(Done),
    /// Nothing that answers the claim. `None` if an entry must not be touched:
    /// somebody else's, or one that disagrees.
    Asking(Option<Asking<'a>>),
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS);
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
            hasher: KeyHasher::new(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// What answers `claim`. What comes of asking the store instead is kept
    /// until `oldest` at most.
    pub(super) fn look(&self, claim: &Claim, now: Timestamp, oldest: Timestamp) -> Look<'_> {
        let Some(mut set) = self.set(&claim.key) else {
            return Look::Asking(None);
        };
        match find(&mut set, &claim.key, now).map(|entry| &entry.known) {
            Some(Known::Done(done)) if done.answers(claim.fingerprint) => {
                return Look::Done(*done);
            }
            Some(Known::Asking(owner) | Known::Won(owner, _)) if *owner == claim.owner => {}
            Some(_) => return Look::Asking(None),
            None => {}
        }
        put(
            &mut set,
            Entry {
                key: claim.key,
                known: Known::Asking(claim.owner),
                ends_at: oldest,
            },
            now,
        );
        Look::Asking(Some(Asking {
            cache: self,
            key: claim.key,
            owner: claim.owner,
        }))
    }

    /// The attempt that `owner` has won, which is about to end.
    pub(super) fn take_won(
        &self,
        key: &DedupKey,
        owner: Owner,
        now: Timestamp,
        oldest: Timestamp,
    ) -> Option<(Asking<'_>, u32)> {
        let mut set = self.set(key)?;
        let entry = find(&mut set, key, now)?;
        let attempt = match entry.known {
            Known::Won(by, attempt) if by == owner => attempt,
            _ => return None,
        };
        entry.known = Known::Asking(owner);
        entry.ends_at = oldest;
        let asking = Asking {
            cache: self,
            key: *key,
            owner,
        };
        Some((asking, attempt))
    }

    pub(super) fn remove(&self, key: &DedupKey) {
        if let Some(mut set) = self.set(key)
            && let Some(place) = place_of(&mut set, key)
        {
            *place = None;
        }
    }

    /// Removes what is known now, and what is when the guard is dropped.
    pub(super) fn forgetting(&self, key: &DedupKey) -> Forgetting<'_> {
        self.remove(key);
        Forgetting {
            cache: self,
            key: *key,
        }
    }

    fn set(&self, key: &DedupKey) -> Option<MutexGuard<'_, Set>> {
        let at = self.hasher.hash(key) as usize % self.sets.len();
        self.sets.get(at).map(lock)
    }
}

/// A question to the store. What it leads to is remembered, unless the event
/// was forgotten meanwhile; without an answer, nothing is.
pub(super) struct Asking<'a> {
    cache: &'a Cache,
    key: DedupKey,
    owner: Owner,
}

impl Asking<'_> {
    pub(super) fn won(self, attempt: u32) {
        let owner = self.owner;
        self.settle(|entry| entry.known = Known::Won(owner, attempt));
    }

    pub(super) fn done(self, done: Done) {
        self.settle(|entry| {
            entry.known = Known::Done(done);
            entry.ends_at = entry.ends_at.min(done.expires_at);
        });
    }

    fn settle(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(mut set) = self.cache.set(&self.key)
            && let Some(place) = self.place(&mut set)
            && let Some(entry) = place
        {
            change(entry);
        }
    }

    /// Where the question is, if it still is.
    fn place<'s>(&self, set: &'s mut Set) -> Option<&'s mut Option<Entry>> {
        place_of(set, &self.key).filter(|place| {
            let known = place.as_ref().map(|entry| &entry.known);
            matches!(known, Some(Known::Asking(owner)) if *owner == self.owner)
        })
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(mut set) = self.cache.set(&self.key)
            && let Some(place) = self.place(&mut set)
        {
            *place = None;
        }
    }
}

/// An event that is being forgotten.
pub(super) struct Forgetting<'a> {
    cache: &'a Cache,
    key: DedupKey,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.cache.remove(&self.key);
    }
}

fn place_of<'s>(set: &'s mut Set, key: &DedupKey) -> Option<&'s mut Option<Entry>> {
    set.iter_mut()
        .find(|place| place.as_ref().is_some_and(|entry| entry.key == *key))
}

fn find<'s>(set: &'s mut Set, key: &DedupKey, now: Timestamp) -> Option<&'s mut Entry> {
    let entry = place_of(set, key)?.as_mut()?;
    (now < entry.ends_at).then_some(entry)
}

fn put(set: &mut Set, entry: Entry, now: Timestamp) {
    let same = |place: &Option<Entry>| place.as_ref().is_some_and(|it| it.key == entry.key);
    let ends = |place: &Option<Entry>| place.as_ref().map(|it| it.ends_at).filter(|it| now < *it);
    let place = match set.iter().position(same) {
        Some(at) => set.get_mut(at),
        None => set.iter_mut().min_by_key(|place| ends(place)),
    };
    if let Some(place) = place {
        *place = Some(entry);
    }
}
