//! The attack suite: what an attacker could try, and what becomes of it. Tests
//! carry the number of their attack.

mod address;
mod base64;
mod candidates;
mod captured;
mod content;
mod dedup;
mod families;
mod freshness;
mod http;
mod http2;
mod ids;
#[cfg(feature = "jwt")]
mod jwt;
mod keys;
mod leaks;
mod methods;
mod payload;
mod rate;
mod replay;
mod shifted;
mod signature;
mod slow;
mod timestamp;
mod url;
