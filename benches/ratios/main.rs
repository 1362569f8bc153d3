//! Prints what this crate costs, as ratios to what it is compared with.
//!
//! `cargo bench --bench ratios --features axum,public-key,testing` measures
//! everything in one run; `-- core`, `-- keys`, `-- presets`, `-- stack` or
//! `-- memory` behind it, a part; with the features `certificate` and
//! `http-signature` also `-- protocols`. The cases of a table take turns, a batch each,
//! and a ratio is the median over the rounds of one case's batch to the other's
//! beside it, in CPU time of the thread, so that a busy machine falsifies
//! little.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::exhaustive_structs,
    unreachable_pub,
    missing_docs
)]

mod core;
mod keys;
mod memory;
mod presets;
#[cfg(all(feature = "certificate", feature = "http-signature"))]
mod protocols;
mod stack;
mod turns;

fn main() {
    let wanted = std::env::args()
        .nth(1)
        .filter(|argument| argument != "--bench");
    let parts: &[(&str, fn())] = &[
        ("core", core::run),
        ("keys", keys::run),
        #[cfg(all(feature = "certificate", feature = "http-signature"))]
        ("protocols", protocols::run),
        ("presets", presets::run),
        ("stack", stack::run),
        ("memory", memory::run),
    ];
    for (name, run) in parts {
        if wanted.as_deref().is_none_or(|wanted| wanted == *name) {
            run();
        }
    }
}
