//! A server in a process of its own, and who sends to it. The bench `load` and
//! the tests in `tests/it/load` share it.

pub mod client;
pub mod process;
pub mod request;
pub mod senders;
pub mod server;
pub mod tally;
