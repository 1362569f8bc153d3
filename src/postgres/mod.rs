//! What all that is kept in PostgreSQL shares.

mod error;
pub(crate) mod start;
pub(crate) mod statement;
mod table;

pub use self::error::PostgresSetupError;
pub(crate) use self::table::TableName;
