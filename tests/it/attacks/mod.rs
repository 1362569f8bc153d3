//! The attack suite: what an attacker could try, and what becomes of it. Tests
//! carry the number of their attack.

mod content;
mod families;
mod http;
mod keys;
mod leaks;
mod replay;
mod signature;
mod slow;
mod timestamp;
