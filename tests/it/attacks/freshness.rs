//! B3, B5–B7: which timestamp counts, and how far it may be from now.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use tower_webhook::provider;
use tower_webhook::signature::{Scheme, TimestampFormat, TimestampRule};
use tower_webhook::{Clock, RejectionKind, Timestamp, Verifier};

use crate::support::forge::Forgery;
use crate::support::route::Route;
use crate::support::{NOW, SECRET, body_at, genuine, hmac_schemes, schemes, signer, verifier};

fn timed() -> impl Iterator<Item = (Scheme, TimestampRule)> {
    schemes().filter_map(|scheme| {
        let rule = scheme.timestamp().cloned()?;
        Some((scheme, rule))
    })
}

/// Signed at `at`, wherever the scheme has its timestamp.
fn signed_at(scheme: &Scheme, at: Timestamp) -> Request<Bytes> {
    let body = body_at(at);
    signer(scheme).at(at).sign("/hook", body)
}

#[tokio::test]
async fn b3_the_edges_of_the_tolerance_are_inclusive_on_both_sides() {
    for (scheme, rule) in timed() {
        let name = scheme.name();
        let (past, future) = (rule.past_tolerance(), rule.future_tolerance());
        let step = match rule.format() {
            TimestampFormat::Millis => Duration::from_millis(1),
            _ => Duration::from_secs(1),
        };
        for edge in [NOW.saturating_sub(past), NOW, NOW.saturating_add(future)] {
            let route = Route::new(verifier(&scheme));
            route.accepts(signed_at(&scheme, edge), name).await;
        }
        let route = Route::new(verifier(&scheme));
        for (beyond, expected) in [
            (
                NOW.saturating_sub(past + step),
                RejectionKind::TimestampTooOld,
            ),
            (
                NOW.saturating_add(future + step),
                RejectionKind::TimestampInFuture,
            ),
            (
                Timestamp::from_unix_seconds(0),
                RejectionKind::TimestampTooOld,
            ),
        ] {
            let what = format!("{name} {beyond}");
            let kind = route.refuses(signed_at(&scheme, beyond), &what).await;
            assert_eq!(kind, expected, "{what}");
        }
    }
}

#[tokio::test]
async fn b6_only_the_one_signed_timestamp_counts() {
    for (scheme, key, separator) in [
        (provider::stripe(), "t", ","),
        (provider::paddle(), "ts", ";"),
    ] {
        let forged = Forgery::of(&scheme);
        let value = format!("{}{}", forged.prefix, forged.text());
        let route = Route::new(verifier(&scheme));
        let now = NOW.unix_seconds();
        for second in [now.to_string(), "1".to_owned(), String::new()] {
            for value in [
                format!("{value}{separator}{key}={second}"),
                format!("{key}={second}{separator}{value}"),
                format!("{value}{separator} {key}={second}"),
            ] {
                let kind = route.refuses(forged.with_value(&value), &value).await;
                assert_eq!(kind, RejectionKind::MalformedTimestamp, "{value}");
            }
        }
        // In another order, and beside fields that mean nothing.
        let other = format!(
            "x=1{separator}{}{separator}{key}={now}",
            value.split(separator).nth(1).unwrap()
        );
        route.accepts(forged.with_value(other), scheme.name()).await;
    }
    for scheme in hmac_schemes() {
        for (name, _) in genuine(&scheme).headers() {
            if !name.as_str().contains("timestamp") {
                continue;
            }
            let mut other = genuine(&scheme);
            let later = signed_at(&scheme, NOW.saturating_add(Duration::from_secs(1)));
            let value = later.headers()[name].clone();
            other.headers_mut().insert(name, value);
            let route = Route::new(verifier(&scheme));
            let kind = route.refuses(other, name).await;
            assert_eq!(kind, RejectionKind::SignatureMismatch, "{name}");
        }
    }
}

#[tokio::test]
async fn b7_timestamps_that_are_not_signed_decide_nothing() {
    for scheme in schemes() {
        for value in ["0", "99999999999", "x"] {
            let mut request = genuine(&scheme);
            for header in [
                "linear-timestamp",
                "x-github-timestamp",
                "x-shopify-triggered-at",
                "shopify-triggered-at",
                "x-timestamp",
                "date",
            ] {
                let value = HeaderValue::from_static(value);
                request.headers_mut().insert(header, value);
            }
            Route::new(verifier(&scheme))
                .accepts(request, scheme.name())
                .await;
        }
    }
}

/// The sender's own clock is what the receiver reports of it.
#[test]
fn the_skew_is_the_whole_difference() {
    let scheme = provider::stripe();
    let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
    let clock = tower_webhook::testing::ManualClock::new(NOW);
    let (parts, body) = genuine(&scheme).into_parts();
    for (seconds, skew) in [(301, 301), (-301, -301), (86_400, 86_400)] {
        clock.set(Timestamp::from_unix_seconds(NOW.unix_seconds() + seconds));
        let refused = verifier.verify(&parts, &body, clock.now()).unwrap_err();
        assert_eq!(refused.skew_seconds(), Some(skew));
    }
}
