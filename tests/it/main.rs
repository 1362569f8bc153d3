//! Integration tests: one crate, modules named like the rooms of `src`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

/// The test of the example `custom_provider`.
#[path = "../../examples/custom_provider/acme.rs"]
mod acme;
mod allocations;
mod attack_index;
mod attacks;
mod conformance;
mod events;
// The examples need all three features.
#[cfg(feature = "tracing")]
mod examples;
mod explain;
mod extract;
mod guarded;
mod handshake;
mod keys;
#[cfg(target_os = "linux")]
mod load;
mod observe;
mod operations;
mod protocols;
#[cfg(feature = "tracing")]
mod published;
mod readiness;
mod readme;
mod roundtrip;
mod schemes;
mod support;
mod support_dedup;
mod table;
mod types;
mod vectors;
mod whole;
