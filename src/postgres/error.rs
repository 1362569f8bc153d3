use std::fmt;

/// Why a store or an inbox in PostgreSQL cannot be used, found at start-up.
///
/// Each says what to do about it. None holds a password or a URL.
#[derive(Debug)]
#[non_exhaustive]
pub enum PostgresSetupError {
    /// The URL cannot be read.
    InvalidUrl,
    /// The server cannot be reached.
    Unreachable(sqlx::Error),
    /// The server does not let this user in, or not with this password.
    LoginRefused(sqlx::Error),
    /// There is no such database on the server.
    NoSuchDatabase(sqlx::Error),
    /// The server is older than PostgreSQL 14.
    ServerTooOld {
        /// Its version, as `server_version_num` says it: 130011 is 13.11.
        found: i32,
    },
    /// The server is a replica, which takes no writes.
    HotStandby,
    /// The server, the database or the user is set to read only.
    ReadOnly,
    /// The table is not there.
    NoSuchTable {
        /// Its name.
        table: String,
    },
    /// There is a table of this name that another program made.
    UnknownTable {
        /// Its name.
        table: String,
    },
    /// The table is one that an earlier version of this crate made.
    OlderSchema {
        /// Its name.
        table: String,
        /// Its version.
        found: u32,
        /// The version that is needed.
        needed: u32,
    },
    /// The table is one that a later version of this crate made.
    NewerSchema {
        /// Its name.
        table: String,
        /// Its version.
        found: u32,
        /// The version that is known.
        known: u32,
    },
    /// The user may not do with the table what is needed.
    MissingPrivilege {
        /// Its name.
        table: String,
        /// What is missing, such as `DELETE`.
        privilege: &'static str,
    },
    /// The user may not use or make the schema, or make a table or its index.
    NotAllowed(sqlx::Error),
    /// The database answered with an error that is none of these.
    Failed(sqlx::Error),
}

impl PostgresSetupError {
    /// What an error of the first connection means.
    pub(super) fn of_connection(error: sqlx::Error) -> Self {
        match code(&error).as_deref() {
            Some("28P01" | "28000") => Self::LoginRefused(error),
            Some("3D000") => Self::NoSuchDatabase(error),
            _ => Self::Unreachable(error),
        }
    }

    /// What an error of a statement means.
    pub(super) fn of_statement(error: sqlx::Error) -> Self {
        match code(&error).as_deref() {
            Some("42501") => Self::NotAllowed(error),
            Some("25006") => Self::ReadOnly,
            Some(code) if code.starts_with("28") || code == "3D000" => Self::of_connection(error),
            Some(_) => Self::Failed(error),
            None => Self::Unreachable(error),
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    let database = error.as_database_error()?;
    Some(database.code()?.into_owned())
}

impl fmt::Display for PostgresSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl => f.write_str(
                "the URL of the database cannot be read; it looks like \
                 postgres://user:password@host:5432/database, with special characters of the \
                 password percent-encoded",
            ),
            Self::Unreachable(error) => write!(
                f,
                "the database cannot be reached ({error}); check host, port and TLS of its URL, \
                 and that the server runs"
            ),
            Self::LoginRefused(error) => write!(
                f,
                "the database refuses the login ({error}); check user and password, and the \
                 server's pg_hba.conf"
            ),
            Self::NoSuchDatabase(error) => write!(
                f,
                "the database is not on this server ({error}); create it, or correct the URL"
            ),
            Self::ServerTooOld { found } => write!(
                f,
                "the server is PostgreSQL {}; use 14 or later",
                found / 10_000
            ),
            Self::HotStandby => f.write_str(
                "the server is a hot standby, which takes no writes; connect to the primary \
                 (with several hosts, the one that is not in recovery)",
            ),
            Self::ReadOnly => f.write_str(
                "transactions on this server are read only; set default_transaction_read_only to \
                 off for this user and database",
            ),
            Self::NoSuchTable { table } => write!(
                f,
                "there is no table {table}; call migrate, or run its statements with your \
                 migrations"
            ),
            Self::UnknownTable { table } => write!(
                f,
                "the table {table} is not the one of tower-webhook's that is needed: the comment \
                 on it does not say so; choose another name with with_table"
            ),
            Self::OlderSchema {
                table,
                found,
                needed,
            } => write!(
                f,
                "the table {table} has version {found}, and {needed} is needed; bring it up to \
                 date with the statements of the changelog"
            ),
            Self::NewerSchema {
                table,
                found,
                known,
            } => write!(
                f,
                "the table {table} has version {found}, and this program knows {known}; update \
                 the program"
            ),
            Self::MissingPrivilege { table, privilege } => write!(
                f,
                "the user lacks a privilege: GRANT {privilege} ON {table} to it"
            ),
            Self::NotAllowed(error) => write!(
                f,
                "the user may not do that ({error}); grant it, or run the migration as another \
                 user and grant SELECT, INSERT, UPDATE and DELETE on the tables to this one"
            ),
            Self::Failed(error) => write!(f, "the database answered with an error: {error}"),
        }
    }
}

impl std::error::Error for PostgresSetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable(error)
            | Self::LoginRefused(error)
            | Self::NoSuchDatabase(error)
            | Self::NotAllowed(error)
            | Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}
