//! What the timestamp shows.

use std::time::Duration;

use http::request::Parts;

use super::explanation::{Cause, Explanation};
use super::trial::Trial;
use super::written;
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{FieldValue, Scheme, Source, TimestampFormat, json_value};

/// How near to now a number must be to count as a time in another unit.
const NEAR: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn explain(trial: &mut Trial<'_>, rejection: &Rejection) -> Option<Explanation> {
    let kind = rejection.kind();
    if !matches!(
        kind,
        RejectionKind::MalformedTimestamp
            | RejectionKind::TimestampTooOld
            | RejectionKind::TimestampInFuture
    ) {
        return None;
    }
    if let Some(explanation) = other_unit(trial) {
        return Some(explanation);
    }
    let Some(skew) = rejection.skew_seconds() else {
        return Some(Explanation::proved(
            Cause::MalformedTimestamp,
            "The timestamp cannot be read: it is not in the format that the scheme states, or \
             something in front of the receiver changed or repeated its header.",
        ));
    };
    let distance = shown(skew.unsigned_abs());
    let rule = trial.scheme().timestamp();
    let accepted = |of: fn(&crate::signature::TimestampRule) -> Duration| match rule {
        Some(rule) => format!("; {} are accepted", shown(of(rule).as_secs())),
        None => String::new(),
    };
    // Nothing else is wrong with a captured request that is sent again.
    let sent = Timestamp::from_unix_seconds(trial.now.unix_seconds().saturating_sub(skew));
    let signed = match trial.small_body() {
        Some(body) if trial.holds(trial.verifier, trial.parts, body, sent) => {
            "The signature is right, but the"
        }
        _ => "The",
    };
    Some(match kind {
        RejectionKind::TimestampTooOld => Explanation::proved(
            Cause::TimestampTooOld,
            format!(
                "{signed} timestamp is {distance} old{}: a captured request must be signed anew, \
                 otherwise check for a queue on the way and for the receiver's clock.",
                accepted(|rule| rule.past_tolerance())
            ),
        ),
        _ => Explanation::proved(
            Cause::TimestampInFuture,
            format!(
                "{signed} timestamp is {distance} ahead{}: set the receiver's clock right (NTP).",
                accepted(|rule| rule.future_tolerance())
            ),
        ),
    })
}

/// A timestamp that is read in the wrong unit or format.
fn other_unit(trial: &Trial<'_>) -> Option<Explanation> {
    let rule = trial.scheme().timestamp()?;
    let text = text(trial.scheme(), trial.parts, trial.body)?;
    let stated = rule.format();
    let formats = [
        TimestampFormat::Seconds,
        TimestampFormat::Millis,
        TimestampFormat::Rfc3339,
    ];
    let sent_as = formats.into_iter().find(|format| {
        *format != stated
            && format.parse(&text).is_some_and(|sent| {
                let apart = trial.now.saturating_duration_since(sent);
                apart.max(sent.saturating_duration_since(trial.now)) <= NEAR
            })
    })?;
    Some(Explanation::proved(
        Cause::TimestampUnit,
        format!(
            "The timestamp is in {}, and `{}` reads {}: whoever signs must send the latter, or \
             the scheme's `TimestampRule` must state the former.",
            name(sent_as),
            trial.scheme().name(),
            name(stated)
        ),
    ))
}

fn text(scheme: &Scheme, parts: &Parts, body: Option<&[u8]>) -> Option<Vec<u8>> {
    match scheme.timestamp()?.source() {
        Source::Header(names) => names
            .iter()
            .find_map(|name| parts.headers.get(name.as_ref()))
            .map(|value| value.as_bytes().to_vec()),
        Source::Field(key) => written::values(scheme, parts)
            .iter()
            .find_map(|value| match scheme.grammar().field(value, key) {
                FieldValue::One(text) => Some(text.to_vec()),
                _ => None,
            }),
        Source::Pointer(pointer) => {
            let value = json_value(body?, pointer).ok()??;
            Some(value.into_bytes())
        }
        _ => None,
    }
}

const fn name(format: TimestampFormat) -> &'static str {
    match format {
        TimestampFormat::Seconds => "seconds",
        TimestampFormat::Millis => "milliseconds",
        TimestampFormat::Rfc3339 | TimestampFormat::Rfc3339AssumeUtc => "RFC 3339",
    }
}

fn shown(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} seconds"),
        120..=7199 => format!("{} minutes", seconds / 60),
        7200..=172_799 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
