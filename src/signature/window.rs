use std::time::Duration;

use super::source::Source;
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};

/// Where a timestamp is, how it is written, and how far from now it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampRule {
    pub(crate) source: Source,
    pub(crate) format: TimestampFormat,
    pub(crate) past: Duration,
    pub(crate) future: Duration,
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimestampFormat {
    /// Seconds since the Unix epoch: digits only.
    Seconds,
    /// Milliseconds since the Unix epoch: digits only.
    Millis,
    /// RFC 3339 date and time.
    Rfc3339,
    /// RFC 3339 date and time whose offset may be missing: it is UTC then.
    Rfc3339AssumeUtc,
}

impl TimestampRule {
    const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

    /// Seconds since the Unix epoch, five minutes of tolerance both ways.
    #[must_use]
    pub const fn seconds(source: Source) -> Self {
        Self::new(source, TimestampFormat::Seconds)
    }

    /// Milliseconds since the Unix epoch, five minutes of tolerance both ways.
    #[must_use]
    pub const fn millis(source: Source) -> Self {
        Self::new(source, TimestampFormat::Millis)
    }

    /// RFC 3339, five minutes of tolerance both ways.
    #[must_use]
    pub const fn rfc3339(source: Source) -> Self {
        Self::new(source, TimestampFormat::Rfc3339)
    }

    /// RFC 3339 whose offset may be missing (UTC then), five minutes of
    /// tolerance both ways.
    #[must_use]
    pub const fn rfc3339_assume_utc(source: Source) -> Self {
        Self::new(source, TimestampFormat::Rfc3339AssumeUtc)
    }

    const fn new(source: Source, format: TimestampFormat) -> Self {
        Self {
            source,
            format,
            past: Self::DEFAULT_TOLERANCE,
            future: Self::DEFAULT_TOLERANCE,
        }
    }

    /// How far from now a timestamp may be, in both directions; the edge is
    /// still accepted.
    #[must_use]
    pub const fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.past = tolerance;
        self.future = tolerance;
        self
    }

    /// How far in the future a timestamp may be.
    #[must_use]
    pub const fn with_future_tolerance(mut self, tolerance: Duration) -> Self {
        self.future = tolerance;
        self
    }

    /// Where the timestamp is.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// How the timestamp is written.
    #[must_use]
    pub const fn format(&self) -> TimestampFormat {
        self.format
    }

    /// How far in the past a timestamp may be.
    #[must_use]
    pub const fn past_tolerance(&self) -> Duration {
        self.past
    }

    /// How far in the future a timestamp may be.
    #[must_use]
    pub const fn future_tolerance(&self) -> Duration {
        self.future
    }

    /// [`judge`](Self::judge), with its reason as a rejection.
    pub(crate) fn check(&self, text: &[u8], now: Timestamp) -> Result<Timestamp, Rejection> {
        self.judge(text, now).map_err(|(kind, skew)| {
            let rejection = Rejection::new(kind);
            match skew {
                Some(skew) => rejection.with_skew_seconds(skew),
                None => rejection,
            }
        })
    }

    /// For how long a captured request would still be fresh.
    pub(crate) const fn window(&self) -> Duration {
        self.past.saturating_add(self.future)
    }

    /// Judges the timestamp's text against `now`. An error also tells the
    /// skew in seconds, where the text could be read.
    pub(crate) fn judge(
        &self,
        text: &[u8],
        now: Timestamp,
    ) -> Result<Timestamp, (RejectionKind, Option<i64>)> {
        let sent = self
            .format
            .parse(text)
            .ok_or((RejectionKind::MalformedTimestamp, None))?;
        // Now is cut to the precision of what was sent, so that the edge of
        // the tolerance is where the documentation says.
        let now = match self.format {
            TimestampFormat::Seconds => Timestamp::from_unix_seconds(now.unix_seconds()),
            TimestampFormat::Millis
            | TimestampFormat::Rfc3339
            | TimestampFormat::Rfc3339AssumeUtc => now,
        };
        let skew = Some(now.unix_seconds().saturating_sub(sent.unix_seconds()));
        if now.saturating_duration_since(sent) > self.past {
            Err((RejectionKind::TimestampTooOld, skew))
        } else if sent.saturating_duration_since(now) > self.future {
            Err((RejectionKind::TimestampInFuture, skew))
        } else {
            Ok(sent)
        }
    }
}

impl TimestampFormat {
    /// Reads `text`; `None` for a sign, white space, an exponent or anything
    /// else that is not exactly this format.
    pub(crate) fn parse(self, text: &[u8]) -> Option<Timestamp> {
        match self {
            Self::Seconds => digits(text).map(Timestamp::from_unix_seconds),
            Self::Millis => digits(text).map(Timestamp::from_unix_millis),
            Self::Rfc3339 => Timestamp::parse_rfc3339(std::str::from_utf8(text).ok()?),
            Self::Rfc3339AssumeUtc => {
                let text = std::str::from_utf8(text).ok()?;
                Timestamp::parse_rfc3339(text)
                    .or_else(|| Timestamp::parse_rfc3339(&format!("{text}Z")))
            }
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn write(self, time: Timestamp) -> String {
        match self {
            Self::Seconds => time.unix_seconds().to_string(),
            Self::Millis => time.unix_millis().to_string(),
            Self::Rfc3339 => time.to_string(),
            Self::Rfc3339AssumeUtc => time.to_string().trim_end_matches('Z').to_owned(),
        }
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0_i64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn judge(text: &str) -> Result<Timestamp, (RejectionKind, Option<i64>)> {
        let now = Timestamp::from_unix_millis(NOW * 1000 + 999);
        TimestampRule::seconds(Source::header("t")).judge(text.as_bytes(), now)
    }

    #[test]
    fn b3_the_edges_are_inclusive() {
        assert!(judge(&(NOW - 300).to_string()).is_ok());
        assert!(judge(&(NOW + 300).to_string()).is_ok());
        assert_eq!(
            judge(&(NOW - 301).to_string()),
            Err((RejectionKind::TimestampTooOld, Some(301)))
        );
        assert_eq!(
            judge(&(NOW + 301).to_string()),
            Err((RejectionKind::TimestampInFuture, Some(-301)))
        );
    }

    #[test]
    fn b4_only_digits_are_a_timestamp() {
        for text in [
            "",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1e9",
            "0x1",
            "NaN",
            "1.5",
            "٣",
            "1_000",
            "99999999999999999999",
            "-9223372036854775808",
            "9223372036854775807",
        ] {
            assert_eq!(
                judge(text),
                Err((RejectionKind::MalformedTimestamp, None)),
                "{text:?}"
            );
        }
        // The most digits that are read.
        let last = judge("999999999999999999");
        assert!(matches!(last, Err((RejectionKind::TimestampInFuture, _))));
    }

    #[test]
    fn an_offset_may_be_missing_where_the_format_says_so() {
        let parse = |text: &str| TimestampFormat::Rfc3339AssumeUtc.parse(text.as_bytes());
        let utc = parse("2024-03-27T15:42:29.551");
        assert_eq!(utc, Some(Timestamp::from_unix_millis(1_711_554_149_551)));
        for same in ["2024-03-27T15:42:29.551Z", "2024-03-27T16:42:29.551+01:00"] {
            assert_eq!(parse(same), utc, "{same}");
        }
        for text in [
            "",
            "2024-03-27",
            "2024-03-27T15:42",
            "2024-03-27T15:42:29+",
            "2024-03-27T15:42:29+01",
            "2024-03-27T15:42:29ZZ",
            "2024-03-27T15:42:29 ",
            "1711554149",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        let strict = TimestampFormat::Rfc3339.parse(b"2024-03-27T15:42:29.551");
        assert_eq!(strict, None);
    }

    #[test]
    fn b5_units_are_not_confused() {
        let millis = (NOW * 1000).to_string();
        assert!(matches!(
            judge(&millis),
            Err((RejectionKind::TimestampInFuture, _))
        ));
        let rule = TimestampRule::millis(Source::header("t"));
        let now = Timestamp::from_unix_seconds(NOW);
        assert!(rule.judge(millis.as_bytes(), now).is_ok());
        assert!(matches!(
            rule.judge(NOW.to_string().as_bytes(), now),
            Err((RejectionKind::TimestampTooOld, _))
        ));
    }
}
