//! Clocks and units.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use tower_webhook::explain::Cause;
use tower_webhook::provider;
use tower_webhook::signature::{Scheme, TimestampRule};

use super::{assert_proved, explained, explained_at, families, sender, verifier};
use crate::support::NOW;

fn with_timestamp() -> impl Iterator<Item = Scheme> {
    families()
        .into_iter()
        .filter(|scheme| scheme.timestamp().is_some())
}

#[test]
fn clocks_that_differ() {
    for scheme in with_timestamp() {
        let case = scheme.name();
        let request = sender(&scheme).sign("/hook", "{}");
        let later = NOW.saturating_add(Duration::from_secs(720));
        let old = explained_at(&verifier(&scheme), &request, later).unwrap();
        assert!(
            old.sentence()
                .contains("12 minutes old; 5 minutes are accepted"),
            "{old}"
        );
        assert!(old.sentence().contains("signature is right"), "{old}");
        assert_proved(Some(old), Cause::TimestampTooOld, case);

        let earlier = NOW.saturating_sub(Duration::from_secs(3 * 3600));
        let ahead = explained_at(&verifier(&scheme), &request, earlier).unwrap();
        assert!(ahead.sentence().contains("3 hours ahead"), "{ahead}");
        assert_proved(Some(ahead), Cause::TimestampInFuture, case);

        let mut changed = request;
        *changed.body_mut() = Bytes::from_static(b"something else");
        let old = explained_at(&verifier(&scheme), &changed, later).unwrap();
        assert!(!old.sentence().contains("signature is right"), "{old}");
    }
}

#[test]
fn a_timestamp_in_the_body() {
    let scheme = provider::mailgun();
    let body = r#"{"signature":{"timestamp":"1700000000","token":"a8ce"}}"#;
    let request = sender(&scheme).sign("/", body);
    let later = NOW.saturating_add(Duration::from_secs(86_400 * 3));
    let old = explained_at(&verifier(&scheme), &request, later).unwrap();
    assert!(old.sentence().contains("signature is right"), "{old}");
    assert!(
        old.sentence().contains("3 days old; 12 hours are accepted"),
        "{old}"
    );
}

#[test]
fn other_units_and_formats() {
    for scheme in with_timestamp() {
        let source = scheme.timestamp().unwrap().source().clone();
        for (rule, name) in [
            (TimestampRule::millis(source.clone()), "milliseconds"),
            (TimestampRule::rfc3339(source.clone()), "RFC 3339"),
        ] {
            let other = scheme.clone().with_timestamp(rule);
            let case = format!("{} with {name}", scheme.name());
            let request = sender(&other).sign("/hook", "{}");
            let explanation = explained(&verifier(&scheme), &request).unwrap();
            assert!(
                explanation.sentence().contains(name),
                "{case}: {explanation}"
            );
            assert_proved(Some(explanation), Cause::TimestampUnit, &case);

            let request = sender(&scheme).sign("/hook", "{}");
            let explanation = explained(&verifier(&other), &request);
            assert_proved(explanation, Cause::TimestampUnit, &case);
        }
    }
}

#[test]
fn what_is_no_timestamp() {
    let scheme = provider::slack();
    let mut request = sender(&scheme).sign("/hook", "{}");
    let text = HeaderValue::from_static("yesterday");
    request
        .headers_mut()
        .insert("x-slack-request-timestamp", text);
    let explanation = explained(&verifier(&scheme), &request);
    assert_proved(explanation, Cause::MalformedTimestamp, "slack");
}
