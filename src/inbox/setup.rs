use std::error::Error;
use std::fmt;

/// Why a sink cannot work as it is set up, found at the start of the process.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The server cannot be reached, refuses the login, or does not know the
    /// database. The cause says which.
    Unreachable(Box<dyn Error + Send + Sync>),
    /// The server's version is too old.
    ServerTooOld {
        /// The server's version.
        found: String,
        /// The oldest that will do.
        needed: &'static str,
    },
    /// The table does not exist: migrate first.
    MissingTable {
        /// The table's name.
        table: String,
    },
    /// The table is of an older release of this crate: migrate first.
    OutdatedTable {
        /// The table's name.
        table: String,
    },
    /// The role may not read and write the table.
    NotPermitted {
        /// The table's name.
        table: String,
    },
    /// The server takes no writes: it is a replica, or set to be read-only.
    ReadOnly,
    /// The server forgets what it acknowledged when it stops.
    NotDurable {
        /// The setting that makes it so, and what it should be.
        reason: &'static str,
    },
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(_) => {
                f.write_str("the server cannot be reached, or refuses the login or the database")
            }
            Self::ServerTooOld { found, needed } => {
                write!(f, "the server has version {found}; {needed} is needed")
            }
            Self::MissingTable { table } => {
                write!(f, "the table {table} does not exist; run migrate()")
            }
            Self::OutdatedTable { table } => {
                write!(f, "the table {table} is of an older release; run migrate()")
            }
            Self::NotPermitted { table } => write!(
                f,
                "the role may not SELECT, INSERT, UPDATE and DELETE in the table {table}"
            ),
            Self::ReadOnly => f.write_str(
                "the server is read-only or a replica; connect to the one that takes writes",
            ),
            Self::NotDurable { reason } => {
                write!(f, "what the server acknowledges is not durable: {reason}")
            }
        }
    }
}

impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable(cause) => Some(&**cause),
            _ => None,
        }
    }
}
