//! The attack suite: what an attacker could try, and what becomes of it. Tests
//! carry the number of their attack.

mod address;
mod captured;
mod content;
mod dedup;
mod families;
mod http;
mod keys;
mod leaks;
mod rate;
mod replay;
mod signature;
mod slow;
mod timestamp;
