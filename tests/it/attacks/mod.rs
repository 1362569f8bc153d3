//! The attack suite: tests are named by the number of their attack.

mod address;
mod dedup;
mod rate;
mod replay;
