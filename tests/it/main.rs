//! Integration tests: one crate, modules named like the rooms of `src`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod attacks;
mod roundtrip;
mod support_dedup;
mod vectors;
