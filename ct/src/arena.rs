//! Memory that is never given back: each allocation takes the same number of
//! instructions, whatever was allocated and freed before.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZE: usize = 1 << 30;
/// All blocks begin alike, so that copies of them take as long.
const ALIGNMENT: usize = 128;

const PAGE: usize = 4096;

#[repr(C, align(4096))]
pub struct Arena {
    bytes: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

impl Arena {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: UnsafeCell::new([0; SIZE]),
            used: AtomicUsize::new(0),
        }
    }

    /// Begins a page: comparisons and copies may take another way at its end,
    /// so what is measured lies in the same places of its pages.
    pub fn begin_page(&self) {
        let used = self.used.load(Ordering::Relaxed);
        let page = used.next_multiple_of(PAGE);
        self.used.store(page, Ordering::Relaxed);
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: blocks do not overlap, and nothing else touches the bytes.
#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
unsafe impl Sync for Arena {}

// SAFETY: each block is apart from all others, within the arena, and aligned,
// as the arena begins a page, and all blocks begin at multiples of
// `ALIGNMENT`.
#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().next_multiple_of(ALIGNMENT);
        let start = self.used.fetch_add(size, Ordering::Relaxed);
        if layout.align() > ALIGNMENT || start + size > SIZE {
            return std::ptr::null_mut();
        }
        // SAFETY: `start` is within the arena.
        unsafe { self.bytes.get().cast::<u8>().add(start) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
