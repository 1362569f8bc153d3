//! Timestamps are read, and judged fresh, as arithmetic without bounds says.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tower_webhook::signature::{Source, TimestampFormat, TimestampRule};
use tower_webhook::{RejectionKind, Timestamp, internal};
use tower_webhook_fuzz::time::{clamp, digits, rfc3339};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    format: u8,
    now: i64,
    past: (u32, u16),
    future: (u32, u16),
    /// Write a text this far from now, instead of reading `text`.
    apart: Option<i32>,
    text: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let source = Source::header("t");
    let rule = match input.format % 3 {
        0 => TimestampRule::seconds(source),
        1 => TimestampRule::millis(source),
        _ => TimestampRule::rfc3339(source),
    };
    // Down to a fraction of a millisecond.
    let tolerance = |(millis, micros)| {
        Duration::from_millis(u64::from(millis)) + Duration::from_micros(u64::from(micros))
    };
    let (past, future) = (tolerance(input.past), tolerance(input.future));
    let rule = rule.with_tolerance(past).with_future_tolerance(future);
    let now = Timestamp::from_unix_millis(input.now);

    let written = input.apart.map(|apart| {
        let sent = Timestamp::from_unix_millis(input.now.saturating_add(apart.into()));
        match rule.format() {
            TimestampFormat::Seconds => sent.unix_seconds().to_string(),
            TimestampFormat::Millis => sent.unix_millis().to_string(),
            _ => sent.to_string(),
        }
    });
    let text = written.as_ref().map_or(input.text, |text| text.as_bytes());

    let sent = match rule.format() {
        TimestampFormat::Seconds => digits(text, 1000),
        TimestampFormat::Millis => digits(text, 1),
        _ => rfc3339(text),
    };
    let read = internal::timestamp(rule.format(), text);
    assert_eq!(
        read.map(|time| i128::from(time.unix_millis())),
        sent,
        "{text:?}"
    );

    let micros = match rule.format() {
        TimestampFormat::Seconds => clamp(i128::from(input.now).div_euclid(1000) * 1000) * 1000,
        _ => i128::from(input.now) * 1000,
    };
    let (past, future) = (past.as_micros() as i128, future.as_micros() as i128);
    let expected = match sent.map(|millis| micros - millis * 1000) {
        None => Err(RejectionKind::MalformedTimestamp),
        Some(age) if age > past => Err(RejectionKind::TimestampTooOld),
        Some(age) if -age > future => Err(RejectionKind::TimestampInFuture),
        Some(_) => Ok(()),
    };
    assert_eq!(
        internal::judge(&rule, text, now).map(drop),
        expected,
        "{text:?}"
    );

    let text = now.to_string();
    if !text.ends_with("ms") {
        assert_eq!(Timestamp::parse_rfc3339(&text), Some(now), "{text}");
    }
});
