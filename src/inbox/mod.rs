//! Inboxes: events that are kept together with what came of them.
//!
//! [`TransactionalInbox`] (feature `postgres`) records an event in the
//! transaction of its effects.

#[cfg(feature = "postgres")]
mod transaction;

#[cfg(feature = "postgres")]
pub use self::transaction::{Fresh, NotFresh, TransactionalInbox};
