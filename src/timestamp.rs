use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time, in milliseconds since the Unix epoch.
///
/// Every interface of this crate that needs to know the time takes one of
/// these, so that tests and replays can say what time it is. Arithmetic
/// saturates: no input makes it panic or wrap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A timestamp from whole seconds since the Unix epoch. Saturates at the
    /// ends of the range (about 292 million years either way).
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// A timestamp from milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Parses an RFC 3339 date and time, such as `2026-11-21T08:30:00+01:00`.
    ///
    /// Digits below a millisecond are cut off. Returns `None` for anything
    /// that RFC 3339 does not allow.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        // `time` takes anything between the date and the time.
        matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')).then_some(())?;
        OffsetDateTime::parse(text, &Rfc3339).ok().map(Self::from)
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// This point in time plus `duration`, at most the end of the range.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// This point in time minus `duration`, at least the start of the range.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How much later this is than `earlier`; zero if it is not later.
    #[must_use]
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(millis(after)),
            Err(before) => Self(millis(before.duration()).saturating_neg()),
        }
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(time: OffsetDateTime) -> Self {
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        Self(i64::try_from(millis).unwrap_or(if millis < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

/// RFC 3339 in UTC; the bare milliseconds where the year has no four digits.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_on_both_sides_of_the_epoch() {
        assert_eq!(Timestamp::from_unix_millis(1_999).unix_seconds(), 1);
        assert_eq!(Timestamp::from_unix_millis(-1).unix_seconds(), -1);
    }

    #[test]
    fn the_ends_of_the_range_saturate() {
        let last = Timestamp::from_unix_seconds(i64::MAX);
        let first = Timestamp::from_unix_seconds(i64::MIN);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(first.saturating_sub(Duration::MAX), first);
        assert_eq!(first.saturating_duration_since(last), Duration::ZERO);
        assert!(last.saturating_duration_since(first) > Duration::from_secs(1));
        let _ = (last.to_string(), first.to_string());
    }

    #[test]
    fn rfc3339_is_parsed_with_its_offset() {
        let parsed = Timestamp::parse_rfc3339("2020-01-01T00:00:00-07:00");
        assert_eq!(parsed, Some(Timestamp::from_unix_seconds(1_577_862_000)));
        let space = Timestamp::parse_rfc3339("2020-01-01 00:00:00-07:00");
        assert_eq!(space, parsed);
        for text in [
            "",
            "2020-01-01",
            "2020-01-01_00:00:00Z",
            "2020-01-01900:00:00Z",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
        }
    }
}
