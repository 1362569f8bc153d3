//! Inboxes: events that are kept together with what came of them.

mod transaction;

pub use self::transaction::{Fresh, NotFresh, TransactionalInbox};
