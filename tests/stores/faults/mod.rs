//! What remains of the promises when processes, servers and connections fail.
//!
//! Each test starts workers (processes of their own, `rig/worker.rs`), delivers
//! events to them over HTTP, breaks something at a named point, and counts the
//! effects in a table that nothing of this breaks.

mod clock;
mod crash;
mod crowd;
mod cut;
mod full;
mod lease;
mod outage;
mod rig;
