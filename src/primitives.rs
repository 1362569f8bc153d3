//! What the memory store's threads meet at, and its random numbers: the standard
//! library's. The package `models` compiles the store with another module of this
//! name, whose locks a scheduler runs in every order.

pub(crate) use std::hash::RandomState;
pub(crate) use std::sync::atomic::AtomicUsize;
pub(crate) use std::sync::{Mutex, MutexGuard};
