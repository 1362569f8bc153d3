//! The bound that all shards share.

use std::sync::atomic::Ordering;

use crate::primitives::AtomicUsize;

/// Every event that may be remembered has been.
#[derive(Debug)]
pub(super) struct NoRoom;

/// How many rows there are, and may be.
#[derive(Debug)]
pub(super) struct Rooms {
    taken: AtomicUsize,
    capacity: usize,
}

impl Rooms {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            capacity,
        }
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    // Relaxed: the count guards no other memory, the shards' locks do that.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Room for rows on its way from one that was removed to one that is added.
///
/// It stays taken meanwhile, so that nobody else can slip into it; what is left
/// over goes back in the end.
#[derive(Debug)]
pub(super) struct Room<'a> {
    rooms: &'a Rooms,
    held: usize,
}

impl<'a> Room<'a> {
    pub(super) const fn none(rooms: &'a Rooms) -> Self {
        Self { rooms, held: 0 }
    }

    /// Takes room for one row.
    pub(super) fn take(&mut self) -> Result<(), NoRoom> {
        if let Some(left) = self.held.checked_sub(1) {
            self.held = left;
            return Ok(());
        }
        let Rooms { taken, capacity } = self.rooms;
        taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < *capacity).then_some(taken + 1)
            })
            .map_or(Err(NoRoom), |_| Ok(()))
    }

    /// Puts back the room of one row that was removed.
    pub(super) const fn put_back(&mut self) {
        self.held += 1;
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if self.held > 0 {
            self.rooms.taken.fetch_sub(self.held, Ordering::Relaxed);
        }
    }
}
