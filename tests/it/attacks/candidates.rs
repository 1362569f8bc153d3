//! A17, A18: several signatures.

use http::HeaderValue;
use tower_webhook::RejectionKind;
use tower_webhook::provider;
use tower_webhook::signature::Grammar;

use crate::support::forge::{Forgery, signature_header};
use crate::support::route::Route;
use crate::support::{genuine, hmac_schemes, schemes, verifier};

#[tokio::test]
async fn a17_a_signature_header_that_comes_twice_is_refused() {
    for scheme in schemes() {
        let Some(header) = signature_header(&scheme) else {
            continue;
        };
        let valid = genuine(&scheme).headers()[&header].clone();
        let invalid = HeaderValue::from_static("v1,AAAA");
        let empty = HeaderValue::from_static("");
        let route = Route::new(verifier(&scheme));
        for lines in [
            [&valid, &invalid],
            [&invalid, &valid],
            [&valid, &valid],
            [&valid, &empty],
            [&empty, &valid],
        ] {
            let mut request = genuine(&scheme);
            request.headers_mut().remove(&header);
            for line in lines {
                request.headers_mut().append(&header, line.clone());
            }
            let what = format!("{} {lines:?}", scheme.name());
            let kind = route.refuses(request, &what).await;
            assert_eq!(kind, RejectionKind::RepeatedSignatureHeader, "{what}");
        }
    }
}

/// As a proxy joins repeated lines.
#[tokio::test]
async fn a17_joined_signature_headers_are_refused() {
    for scheme in hmac_schemes() {
        let forged = Forgery::of(&scheme);
        // There, several signatures in one line are what the header is for.
        if matches!(
            scheme.grammar(),
            Grammar::Fields { .. } | Grammar::FieldSets { .. } | Grammar::Versioned { .. }
        ) {
            continue;
        }
        let value = format!("{}{}", forged.prefix, forged.text());
        let route = Route::new(verifier(&scheme));
        for joined in [format!("{value}, {value}"), format!("none, {value}")] {
            route
                .refuses(forged.with_value(joined), scheme.name())
                .await;
        }
    }
}

/// Persona sends one set for each secret, all of one time.
#[tokio::test]
async fn b6_sets_of_fields_that_name_two_times_are_refused() {
    let scheme = provider::persona();
    let forged = Forgery::of(&scheme);
    let value = format!("{}{}", forged.prefix, forged.text());
    for (other, accepted) in [
        ("t=1700000000,v1=00", true),
        ("v0=00", true),
        ("t=1700000001,v1=00", false),
        ("t=01700000000", false),
        ("t=", false),
    ] {
        for joined in [format!("{value} {other}"), format!("{other} {value}")] {
            let route = Route::new(verifier(&scheme));
            let request = forged.with_value(&joined);
            if accepted {
                route.accepts(request, joined).await;
            } else {
                let kind = route.refuses(request, joined).await;
                assert_eq!(kind, RejectionKind::MalformedTimestamp);
            }
        }
    }
}

#[tokio::test]
async fn a18_sixteen_signatures_are_tried_and_no_more() {
    for (scheme, separator, wrong) in [
        (provider::stripe(), ",", format!("v1={}", "0".repeat(64))),
        (provider::paddle(), ";", format!("h1={}", "0".repeat(64))),
        (provider::pagerduty(), ",", format!("v1={}", "0".repeat(64))),
        (provider::orb(), " ", format!("v1={}", "0".repeat(64))),
        (provider::persona(), " ", format!("v1={}", "0".repeat(64))),
        (
            provider::standard_webhooks(),
            " ",
            format!("v1,{}=", "A".repeat(43)),
        ),
        (provider::svix(), " ", "v1,".to_owned()),
    ] {
        let forged = Forgery::of(&scheme);
        let genuine = format!("{}{}", forged.prefix, forged.text());
        let list = |before: usize, after: usize| {
            let wrong = |count| vec![wrong.as_str(); count];
            [wrong(before), vec![genuine.as_str()], wrong(after)]
                .concat()
                .join(separator)
        };
        for (before, after) in [(0, 15), (15, 0), (7, 8)] {
            let what = format!("{} {before}+1+{after}", scheme.name());
            let request = forged.with_value(list(before, after));
            Route::new(verifier(&scheme)).accepts(request, what).await;
        }
        let route = Route::new(verifier(&scheme));
        for (before, after) in [(0, 16), (16, 0), (8, 8), (0, 10_000), (10_000, 0)] {
            let what = format!("{} {before}+1+{after}", scheme.name());
            let request = forged.with_value(list(before, after));
            let kind = route.refuses(request, &what).await;
            assert_eq!(kind, RejectionKind::TooManySignatures, "{what}");
        }
    }
}
