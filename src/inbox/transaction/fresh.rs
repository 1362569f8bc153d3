use std::fmt;
use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres, Transaction, raw_sql};

/// An open transaction in which an event was recorded that has no effects yet.
///
/// Run the statements on `&mut *fresh`, then [`commit`](Self::commit). Dropped,
/// it is rolled back, and the event was never seen.
#[must_use = "dropped, it rolls the event back"]
pub struct Fresh {
    pub(super) transaction: Transaction<'static, Postgres>,
    pub(super) attempt: u32,
}

impl Fresh {
    /// 1, or more if the event was given to others before whose leases ended or
    /// who gave it back. 0 if nothing tells the event from others, and nothing
    /// was recorded.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Makes the effects and the record of the event one.
    ///
    /// # Errors
    ///
    /// If the transaction could not be committed. This includes one in which a
    /// statement failed, even if its error was ignored: PostgreSQL answers a
    /// `COMMIT` of that with success and rolls it back, so it is asked first.
    /// Where the connection was lost, it may have been committed all the same;
    /// the next delivery finds out.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        raw_sql("SELECT 1").execute(&mut *self.transaction).await?;
        self.transaction.commit().await
    }

    /// Undoes everything: the next delivery is fresh again. Answer with a status
    /// that makes the provider come again.
    ///
    /// # Errors
    ///
    /// If the connection was lost; then the server rolls back by itself.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.transaction.rollback().await
    }

    /// The transaction itself, for functions that take one. Its own `commit`
    /// is not asked whether a statement failed.
    #[must_use]
    pub fn into_transaction(self) -> Transaction<'static, Postgres> {
        self.transaction
    }
}

impl Deref for Fresh {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Fresh {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh")
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
