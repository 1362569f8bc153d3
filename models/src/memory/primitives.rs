//! In the place of the library's `primitives`: locks and atomics at which the
//! scheduler may let another thread go on, and numbers that are the same in each run.

use std::hash::{BuildHasher, DefaultHasher};

pub(crate) use shuttle::sync::atomic::AtomicUsize;
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

pub(crate) struct RandomState;

impl RandomState {
    pub(crate) fn new() -> Self {
        Self
    }
}

impl BuildHasher for RandomState {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher::new()
    }
}
