//! Rows by key and by their ends, without the protocol.

use std::mem;

use hashbrown::HashTable;

use super::expiry::ExpiryQueue;
use super::hash::KeyHasher;
use super::protocol::{Record, Step};
use super::room::{NoRoom, Room};
use crate::Timestamp;
use crate::store::DedupKey;

/// How many expired rows an insertion clears away: more than it adds, so that
/// the dead never pile up, and few enough that no claim waits for them.
const PURGED_PER_INSERT: usize = 2;

/// The end of the list of vacant slots.
const NONE: u32 = u32::MAX;

/// One shard's rows.
pub(super) struct Table {
    /// Slots, whose numbers stay while their rows live.
    rows: Vec<Row>,
    /// The first vacant slot; each one's `link` is the next.
    vacant: u32,
    by_key: HashTable<u32>,
    by_end: ExpiryQueue,
    /// The slots of released rows: the only live ones that may be dropped.
    released: Vec<u32>,
    hasher: KeyHasher,
}

struct Row {
    key: DedupKey,
    record: Record,
    /// Where a released row is in `released`; the next of a vacant slot.
    link: u32,
}

impl Table {
    /// An empty table whose hashes `hasher` makes.
    pub(super) const fn new(hasher: KeyHasher) -> Self {
        Self {
            rows: Vec::new(),
            vacant: NONE,
            by_key: HashTable::new(),
            by_end: ExpiryQueue::new(),
            released: Vec::new(),
            hasher,
        }
    }

    /// Takes one step of the protocol on the row of `key`, as `decide` sees fit.
    pub(super) fn step<T>(
        &mut self,
        key: &DedupKey,
        now: Timestamp,
        room: &mut Room<'_>,
        decide: impl FnOnce(Option<&Record>) -> Step<T>,
    ) -> Result<T, NoRoom> {
        let slot = self.find_live(key, now, room);
        let row = slot.and_then(|slot| self.rows.get(slot as usize));
        let step = decide(row.map(|row| &row.record));
        match (step.write, slot) {
            (None, _) => {}
            (Some(record), Some(slot)) => self.overwrite(slot, record),
            (Some(record), None) => self.insert(key, record, now, room)?,
        }
        Ok(step.answer)
    }

    /// Removes the row of `key`. Answers whether there was a live one.
    pub(super) fn forget(&mut self, key: &DedupKey, now: Timestamp, room: &mut Room<'_>) -> bool {
        let slot = self.find_live(key, now, room);
        slot.is_some_and(|slot| self.remove(slot, room))
    }

    /// Drops one row that has expired. Answers whether there was one.
    pub(super) fn drop_expired(&mut self, now: Timestamp, room: &mut Room<'_>) -> bool {
        let slot = self.by_end.expired(now);
        slot.is_some_and(|slot| self.remove(slot, room))
    }

    /// Drops one released row. Answers whether there was one.
    pub(super) fn drop_released(&mut self, room: &mut Room<'_>) -> bool {
        let slot = self.released.first().copied();
        slot.is_some_and(|slot| self.remove(slot, room))
    }

    /// The row of `key`, expired or not.
    #[cfg(test)]
    pub(super) fn peek(&self, key: &DedupKey) -> Option<Record> {
        let row = self.rows.get(self.find(key)? as usize)?;
        Some(row.record)
    }

    /// How many rows the table has memory for.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.rows.capacity()
    }

    /// The slot of `key`, unless its row has expired, which drops it.
    fn find_live(&mut self, key: &DedupKey, now: Timestamp, room: &mut Room<'_>) -> Option<u32> {
        let slot = self.find(key)?;
        if self.rows.get(slot as usize)?.record.expires_at <= now {
            self.remove(slot, room);
            return None;
        }
        Some(slot)
    }

    fn find(&self, key: &DedupKey) -> Option<u32> {
        let is_row = |&slot: &u32| {
            let row = self.rows.get(slot as usize);
            row.is_some_and(|row| row.key == *key)
        };
        self.by_key.find(self.hasher.hash(key), is_row).copied()
    }

    fn insert(
        &mut self,
        key: &DedupKey,
        record: Record,
        now: Timestamp,
        room: &mut Room<'_>,
    ) -> Result<(), NoRoom> {
        for _ in 0..PURGED_PER_INSERT {
            if !self.drop_expired(now, room) {
                break;
            }
        }
        if self.vacant == NONE && self.rows.len() >= NONE as usize {
            return Err(NoRoom);
        }
        room.take()?;
        let row = Row {
            key: *key,
            record,
            link: NONE,
        };
        let slot = if let Some(vacant) = self.rows.get_mut(self.vacant as usize) {
            let next = vacant.link;
            *vacant = row;
            mem::replace(&mut self.vacant, next)
        } else {
            let slot = self.rows.len() as u32;
            super::push_tightly(&mut self.rows, row);
            slot
        };
        let (rows, hasher) = (&self.rows, self.hasher);
        self.by_key.insert_unique(hasher.hash(key), slot, |&slot| {
            rows.get(slot as usize)
                .map_or(0, |row| hasher.hash(&row.key))
        });
        self.by_end.set(slot, record.expires_at);
        Ok(())
    }

    fn overwrite(&mut self, slot: u32, record: Record) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        let before = mem::replace(&mut row.record, record);
        if before.expires_at != record.expires_at {
            self.by_end.set(slot, record.expires_at);
        }
        match (before.is_released(), record.is_released()) {
            (false, true) => self.list_released(slot),
            (true, false) => self.unlist_released(slot),
            _ => {}
        }
    }

    fn remove(&mut self, slot: u32, room: &mut Room<'_>) -> bool {
        let Some(row) = self.rows.get(slot as usize) else {
            return false;
        };
        let hash = self.hasher.hash(&row.key);
        if let Ok(entry) = self.by_key.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        if row.record.is_released() {
            self.unlist_released(slot);
        }
        self.by_end.remove(slot);
        if let Some(row) = self.rows.get_mut(slot as usize) {
            row.link = mem::replace(&mut self.vacant, slot);
        }
        room.put_back();
        true
    }

    fn list_released(&mut self, slot: u32) {
        if let Some(row) = self.rows.get_mut(slot as usize) {
            row.link = self.released.len() as u32;
            super::push_tightly(&mut self.released, slot);
        }
    }

    fn unlist_released(&mut self, slot: u32) {
        let Some(place) = self.rows.get(slot as usize).map(|row| row.link) else {
            return;
        };
        if (place as usize) < self.released.len() {
            self.released.swap_remove(place as usize);
        }
        if let Some(&moved) = self.released.get(place as usize)
            && let Some(row) = self.rows.get_mut(moved as usize)
        {
            row.link = place;
        }
    }
}
