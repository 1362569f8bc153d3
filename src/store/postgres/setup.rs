//! What happens once: connecting, making the table, looking whether all is
//! well.

use super::sql::{MIGRATION, Statement, VERSION_MARK};
use super::{PostgresSetupError, PostgresStore};
use crate::postgres::start::{self, Tables};

impl PostgresStore {
    /// A store over a pool of its own, to the server at `url`:
    /// `postgres://user:password@host:port/database`.
    ///
    /// Tries one connection, so that what is wrong with the address is known
    /// here. The pool has up to ten connections. None is tested before it is
    /// used, which would cost a round trip each time; a step that meets a dead
    /// one is repeated on one that answers. A statement may take 1.8 seconds,
    /// and wait one for a lock, unless the URL's `options` say otherwise. These
    /// settings are sent at connection, which PgBouncer refuses: give
    /// [`new`](Self::new) a pool of yours there.
    ///
    /// # Errors
    ///
    /// If the URL cannot be read, the server cannot be reached within ten
    /// seconds, or it refuses the login.
    pub async fn connect(url: &str) -> Result<Self, PostgresSetupError> {
        Ok(Self::new(start::connect(url).await?))
    }

    /// Makes the table if it is not there, in its schema if that is not there
    /// either, and then [checks](Self::check) it.
    ///
    /// Can be called at every start, by several machines at the same time.
    ///
    /// # Errors
    ///
    /// If the user may not do that, or as [`check`](Self::check) says.
    pub async fn migrate(&self) -> Result<(), PostgresSetupError> {
        self.tables().migrate(&self.pool).await
    }

    /// Whether everything is there: a server that is new enough and takes
    /// writes, the table in the version that this crate needs, and the
    /// privileges. Best called before the first request.
    ///
    /// # Errors
    ///
    /// The first thing that is not, and what to do about it.
    pub async fn check(&self) -> Result<(), PostgresSetupError> {
        self.tables().check(&self.pool).await
    }

    fn tables(&self) -> Tables<'_> {
        let table = &self.statements.table;
        Tables {
            names: vec![table],
            mark: VERSION_MARK,
            migration: Statement::new(MIGRATION, table).sql(),
        }
    }
}
