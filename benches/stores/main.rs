//! Prints what the shared stores cost, on servers that it starts itself.
//!
//! `cargo bench --bench stores --all-features` measures everything; `-- postgres`
//! or `-- redis` behind it, a part. What is compared takes turns over one connection, and a
//! ratio is the median over the rounds of one's rate to the other's beside it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unused_imports, // of the servers
    unreachable_pub,
    missing_docs
)]

mod postgres;
mod redis;
#[path = "../../tests/stores/servers/mod.rs"]
mod servers;

fn main() {
    let wanted = std::env::args()
        .nth(1)
        .filter(|argument| argument != "--bench");
    let parts: &[(&str, fn())] = &[("postgres", postgres::run), ("redis", redis::run)];
    for (name, run) in parts {
        if wanted.as_deref().is_none_or(|wanted| wanted == *name) {
            run();
        }
    }
}
