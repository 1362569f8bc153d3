//! What the tests are made of.

pub mod backend;
pub mod client;
pub mod effects;
pub mod hooks;
pub mod process;
pub mod proxy;
pub mod worker;

pub use self::backend::{Backend, KINDS, Kind, Rows, Server};
pub use self::client::{Answer, deliver};
pub use self::effects::Effects;
pub use self::process::{LEASE, Worker};
pub use self::proxy::Proxy;
pub use self::worker::{Guard, Setup};
