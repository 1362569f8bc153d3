//! Where processed events are remembered.
//!
//! [`DedupStore`] is the protocol that [`DedupLayer`](crate::dedup::DedupLayer)
//! speaks: a lease with a fence, each step one atomic operation that only the
//! owner of the lease can take. [`MemoryStore`] is the embedded default;
//! [`ReadThrough`] saves the way to a store that is far away for what is done.
//!
//! | state \ event | claim by X | renew by owner | complete by owner | by another | release by owner | lease passes | TTL passes |
//! |---|---|---|---|---|---|---|---|
//! | absent | in flight (X, attempt 1), *won* | lost | done, *recreated* | done, *recreated* | no-op | – | – |
//! | in flight (o, n), lease live | X = o: *won* again, same n; else *busy* | extended | done | refused, *lost* | released (n) | stale | – |
//! | in flight (o, n), lease over | in flight (X, n+1), *won* | extended | done | refused, *lost* | released (n) | – | absent |
//! | released (n) | in flight (X, n+1), *won* | lost | done, *recreated* | done, *recreated* | no-op | – | absent |
//! | done | *duplicate* | lost | no-op | no-op | refused | – | absent |
//! | any but absent, other fingerprint | *conflict* | | | | | | |
//!
//! The owner's claim that is repeated because its reply was lost gets the same
//! answer again: claims are idempotent. A row lives at least as long as its
//! lease, however short the TTL, so an event in flight is never taken for an
//! absent one.
//!
//! A store of your own proves itself with the `conformance` suite (feature
//! `testing`), which tries every cell of this table.
//!
#![doc = include_str!("guarantees.md")]

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
mod read_through;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use self::memory::MemoryStore;
#[cfg(feature = "postgres")]
#[doc(inline)]
pub use self::postgres::{PostgresSetupError, PostgresStore};
pub use self::read_through::ReadThrough;
#[cfg(feature = "redis")]
pub use self::redis::{RedisSetupError, RedisStore};

/// The future of a store operation.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store of events that are being processed or have been.
///
/// Every operation is one atomic step. The store's own clock decides when
/// leases and rows end; durations cross this interface, so that machines need
/// not agree on the time. A lease that was claimed always ends: there is no
/// claim without a deadline.
pub trait DedupStore: fmt::Debug + Send + Sync {
    /// Takes the event for `claim.owner`, unless it is done, taken by another
    /// whose lease is live, or known with another fingerprint.
    ///
    /// Repeating a claim of the same owner whose lease is live gives the same
    /// [`Claimed::Won`] again, with the whole lease from now: the owner counts
    /// from the answer that it got.
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed>;

    /// Extends the lease to `lease` from now, and the row's life to `ttl`
    /// from now. [`Renewed::Lost`] if the event is no longer in flight for
    /// `owner`.
    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed>;

    /// Marks the event done, to be remembered for `ttl` from now.
    ///
    /// A row that has vanished or was released is written anew: the effect did
    /// happen. (A vanished one counts as attempt 1.) A row that is in flight
    /// for another owner, or done already, is left alone.
    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed>;

    /// Gives the event back, so that the next delivery can take it. The
    /// attempt count is kept.
    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released>;

    /// Forgets the event whatever its state, so that an operator can have it
    /// processed again. Answers whether there was something to forget.
    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool>;
}

/// What identifies an event: a digest of provider, endpoint, tenant and id,
/// each with its length, so that no two events share one by concatenation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupKey([u8; 32]);

impl DedupKey {
    /// A key from a digest that the caller made.
    #[must_use]
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DedupKey({})", hex::encode(self.0))
    }
}

/// Who holds a lease: unique to one delivery in one process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]); // not u128, whose alignment would pad every remembered row

impl Owner {
    /// An owner from its number.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self(number.to_be_bytes())
    }

    /// The owner's number.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({})", hex::encode(self.0))
    }
}

/// A short digest of the content that came with an event id. Two deliveries of
/// one event have equal ones; where content may change between honest attempts,
/// there is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// No fingerprint: the content is not compared with anything, so that
    /// fingerprints can be turned on or off while events are remembered.
    pub const NONE: Self = Self(0);

    /// A fingerprint from its number.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The fingerprint's number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether both can belong to one event: they are equal, or one is
    /// [`NONE`](Self::NONE).
    #[must_use]
    pub const fn agrees_with(self, other: Self) -> bool {
        self.0 == other.0 || self.0 == Self::NONE.0 || other.0 == Self::NONE.0
    }
}

/// The input of [`DedupStore::claim`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The event.
    pub key: DedupKey,
    /// Who claims it.
    pub owner: Owner,
    /// What the delivery contained.
    pub fingerprint: Fingerprint,
    /// How long the claim holds without renewal.
    pub lease: Duration,
    /// How long the row lives if nothing else happens to it; at least as long
    /// as the lease, whatever is written here.
    pub ttl: Duration,
}

impl Claim {
    /// A claim on `key` by `owner`, without a fingerprint.
    #[must_use]
    pub const fn new(key: DedupKey, owner: Owner, lease: Duration, ttl: Duration) -> Self {
        Self {
            key,
            owner,
            fingerprint: Fingerprint::NONE,
            lease,
            ttl,
        }
    }

    /// Adds a fingerprint of the content.
    #[must_use]
    pub const fn with_fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.fingerprint = fingerprint;
        self
    }
}

/// The input of [`DedupStore::complete`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Completion {
    /// The fingerprint of the claim, for a row that has to be written anew.
    pub fingerprint: Fingerprint,
    /// The status the handler answered with.
    pub status: u16,
    /// How long to remember the event.
    pub ttl: Duration,
}

impl Completion {
    /// A completion with the handler's `status`, remembered for `ttl`.
    #[must_use]
    pub const fn new(fingerprint: Fingerprint, status: u16, ttl: Duration) -> Self {
        Self {
            fingerprint,
            status,
            ttl,
        }
    }
}

/// The answer to [`DedupStore::claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimed {
    /// The event is the claimer's to process.
    Won {
        /// 1 for the first, one more each time the event is taken again: the
        /// fencing number.
        attempt: u32,
    },
    /// Another delivery is processing the event.
    Busy {
        /// How long its lease still holds.
        remaining: Duration,
        /// Its attempt number.
        attempt: u32,
    },
    /// The event was processed.
    Duplicate {
        /// The status the handler answered with then.
        status: u16,
        /// The attempt that processed it.
        attempt: u32,
        /// How long the store still remembers the event.
        expires_in: Duration,
    },
    /// The key is known with another fingerprint.
    Conflict {
        /// The attempt number of the known event.
        attempt: u32,
    },
}

/// The answer to [`DedupStore::renew`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Renewed {
    /// The lease holds for its full length again.
    Extended,
    /// The event is not in flight for this owner any more.
    Lost,
}

/// The answer to [`DedupStore::complete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completed {
    /// The event is done, by this owner.
    Done,
    /// The event was done already, by another owner.
    AlreadyDone,
    /// The row had vanished or was released; it is done now.
    Recreated,
    /// The event is in flight for another owner, who took over; nothing was
    /// changed.
    LeaseLost,
}

/// The answer to [`DedupStore::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Released {
    /// The event is free again.
    Released,
    /// The event was not in flight for this owner; nothing was changed.
    NotOwner,
}

/// Why a store could not take a step.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The store holds as many live events as it may.
    Full,
    /// The store does not answer, or answers with an error.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// The store does not answer, because of `cause`.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the store is full",
            Self::Unavailable(_) => "the store is unavailable",
        })
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Full => None,
            Self::Unavailable(cause) => Some(&**cause),
        }
    }
}
