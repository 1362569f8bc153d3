//! Which row ends next.

use crate::Timestamp;

/// A binary heap of slots by the end of their rows.
///
/// Every slot has at most one entry, which moves when the end of its row does
/// (a completion may well shorten a life). That bounds the heap by the rows,
/// where a heap that leaves outdated entries behind is bounded by nothing.
#[derive(Debug)]
pub(super) struct ExpiryQueue {
    entries: Vec<Entry>,
    /// By slot, where its entry is; beyond `entries` if it has none. Apart
    /// from the rows, so that sifting stays within few cache lines.
    places: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    expires_at: Timestamp,
    slot: u32,
}

const NOWHERE: u32 = u32::MAX;

impl ExpiryQueue {
    pub(super) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            places: Vec::new(),
        }
    }

    /// The slot whose row ends first, if that was at `now` or before.
    pub(super) fn expired(&self, now: Timestamp) -> Option<u32> {
        let first = self.entries.first()?;
        (first.expires_at <= now).then_some(first.slot)
    }

    /// Sets the end of the row in `slot`.
    pub(super) fn set(&mut self, slot: u32, expires_at: Timestamp) {
        let entry = Entry { expires_at, slot };
        while self.places.len() <= slot as usize {
            super::push_tightly(&mut self.places, NOWHERE);
        }
        let place = match self.place(slot) {
            Some(place) => place,
            None => {
                super::push_tightly(&mut self.entries, entry);
                self.entries.len() - 1
            }
        };
        self.settle(place, entry);
    }

    pub(super) fn remove(&mut self, slot: u32) {
        let Some(place) = self.place(slot) else {
            return;
        };
        if let Some(place) = self.places.get_mut(slot as usize) {
            *place = NOWHERE;
        }
        if let Some(last) = self.entries.pop()
            && last.slot != slot
        {
            self.settle(place, last);
        }
    }

    fn place(&self, slot: u32) -> Option<usize> {
        let place = *self.places.get(slot as usize)? as usize;
        (place < self.entries.len()).then_some(place)
    }

    /// Puts `entry` where it belongs, given that `place` is free for it.
    fn settle(&mut self, mut place: usize, entry: Entry) {
        while let Some(above) = place.checked_sub(1).map(|n| n / 2)
            && let Some(&parent) = self.entries.get(above)
            && entry.expires_at < parent.expires_at
        {
            self.put(place, parent);
            place = above;
        }
        while let Some((below, child)) = self.earlier_child(place)
            && child.expires_at < entry.expires_at
        {
            self.put(place, child);
            place = below;
        }
        self.put(place, entry);
    }

    fn earlier_child(&self, place: usize) -> Option<(usize, Entry)> {
        let left = place * 2 + 1;
        let first = *self.entries.get(left)?;
        match self.entries.get(left + 1) {
            Some(&second) if second.expires_at < first.expires_at => Some((left + 1, second)),
            _ => Some((left, first)),
        }
    }

    fn put(&mut self, place: usize, entry: Entry) {
        if let Some(at) = self.entries.get_mut(place) {
            *at = entry;
        }
        if let Some(at) = self.places.get_mut(entry.slot as usize) {
            *at = place as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn slots_come_out_in_the_order_of_their_ends(
            changes in proptest::collection::vec((0..20u32, proptest::option::of(0..50i64)), 0..200),
        ) {
            let mut queue = ExpiryQueue::new();
            let mut ends = BTreeMap::new();
            for (slot, end) in changes {
                match end.map(Timestamp::from_unix_millis) {
                    Some(end) => {
                        queue.set(slot, end);
                        ends.insert(slot, end);
                    }
                    None => {
                        queue.remove(slot);
                        ends.remove(&slot);
                    }
                }
                let first = ends.values().min().copied();
                prop_assert_eq!(queue.entries.first().map(|entry| entry.expires_at), first);
                prop_assert_eq!(queue.entries.len(), ends.len());
                for (slot, end) in &ends {
                    let entry = queue.entries[queue.places[*slot as usize] as usize];
                    prop_assert_eq!((entry.slot, entry.expires_at), (*slot, *end));
                }
            }
        }
    }
}
