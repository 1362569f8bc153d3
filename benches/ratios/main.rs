//! Prints what this crate costs, as ratios to what it is compared with.
//!
//! `cargo bench --bench ratios --features axum,testing` measures everything in
//! one run; `-- core`, `-- stack` or `-- memory` behind it, a part. The cases of a table take turns, a batch each, and a ratio is the
//! median over the rounds of one case's batch to the other's beside it, in CPU
//! time of the thread, so that a busy machine falsifies little.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::exhaustive_structs,
    unreachable_pub,
    missing_docs
)]

mod core;
mod memory;
mod stack;
mod turns;

fn main() {
    let wanted = std::env::args()
        .nth(1)
        .filter(|argument| argument != "--bench");
    let parts: [(&str, fn()); 3] = [
        ("core", core::run),
        ("stack", stack::run),
        ("memory", memory::run),
    ];
    for (name, run) in parts {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            run();
        }
    }
}
