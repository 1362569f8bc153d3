//! Our types as PostgreSQL's.

use std::time::Duration;

use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::{Oid, PgInterval};
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Postgres, Type};

use crate::store::{DedupKey, Fingerprint, Owner};

/// 16 bytes in a column of type `uuid`.
#[derive(Clone, Copy)]
pub(crate) struct Uuid([u8; 16]);

impl Uuid {
    /// The first half of the key: nobody finds a second one with the same.
    pub(crate) fn of_key(key: &DedupKey) -> Self {
        let [half, _] = halves(key.as_bytes());
        Self(half)
    }

    pub(crate) const fn of_owner(owner: Owner) -> Self {
        Self(owner.as_u128().to_be_bytes())
    }
}

fn halves(bytes: &[u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (half, bytes) in halves.iter_mut().zip(bytes.chunks_exact(16)) {
        half.copy_from_slice(bytes);
    }
    halves
}

impl Type<Postgres> for Uuid {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2950))
    }
}

impl Encode<'_, Postgres> for Uuid {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
}

pub(crate) const fn fingerprint(fingerprint: Fingerprint) -> i64 {
    fingerprint.as_u64().cast_signed()
}

/// Statuses of HTTP have three digits.
pub(crate) fn status(status: u16) -> i16 {
    i16::try_from(status).unwrap_or(i16::MAX)
}

/// Rounded up to microseconds; at most a thousand years, which the server's
/// calendar can still add to today.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    const THOUSAND_YEARS: u128 = 1_000 * 366 * 24 * 60 * 60 * 1_000_000;
    let microseconds = duration.as_nanos().div_ceil(1_000).min(THOUSAND_YEARS);
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(microseconds).unwrap_or(i64::MAX),
    }
}
