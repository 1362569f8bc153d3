//! What is particular to single presets.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method, Request};
use tower_webhook::signature::{Algorithm, PublicUrl, Scheme, Source};
use tower_webhook::testing::Signer;
use tower_webhook::{RejectionKind, Verifier, provider};

use super::base;
use crate::support::route::Route;
use crate::support::{NOW, SECRET};
use crate::whole::{genuine, verifier, whole_schemes};

fn signed(scheme: &Scheme, uri: &str, body: &'static str) -> Request<Bytes> {
    let signer = Signer::new(scheme.clone(), SECRET).unwrap().at(NOW);
    signer.sign(uri, body)
}

fn judge(scheme: &Scheme, request: &Request<Bytes>) -> Result<(), RejectionKind> {
    let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
    super::judge(&verifier, request)
}

/// The URL that a delivery was signed for is the only one it is accepted at.
#[test]
fn a_delivery_to_one_url_is_refused_at_another() {
    let at = |url: &str| PublicUrl::registered(url).unwrap();
    for preset in [
        provider::square,
        provider::trello,
        provider::hubspot_v2,
        provider::hubspot_v3,
        provider::mandrill,
        provider::twilio,
    ] {
        let body = "A=b";
        let ours = preset(at("https://example.com/a?x=1"));
        let request = signed(&ours, "/hook", body);
        assert_eq!(judge(&ours, &request), Ok(()), "{}", ours.name());
        for url in [
            "https://example.com/a",
            "https://example.com/a?x=2",
            "https://example.com/b?x=1",
            "http://example.com/a?x=1",
            "https://www.example.com/a?x=1",
            "https://EXAMPLE.com/a?x=1",
            "https://example.com/a?x=1&",
        ] {
            let theirs = preset(at(url));
            let refused = Err(RejectionKind::SignatureMismatch);
            assert_eq!(judge(&theirs, &request), refused, "{} {url}", ours.name());
        }
    }
}

#[test]
fn hubspot_signs_the_method() {
    for scheme in [provider::hubspot_v2(base()), provider::hubspot_v3(base())] {
        let mut request = signed(&scheme, "/hook", "{}");
        assert_eq!(judge(&scheme, &request), Ok(()));
        *request.method_mut() = Method::GET;
        assert_eq!(
            judge(&scheme, &request),
            Err(RejectionKind::SignatureMismatch)
        );
    }
}

#[test]
fn hubspots_timestamp_is_bounded_both_ways() {
    let scheme = provider::hubspot_v3(base());
    let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
    let (parts, body) = signed(&scheme, "/hook", "{}").into_parts();
    let at = |now| {
        verifier
            .verify(&parts, &body, now)
            .map_err(|refused| refused.kind())
            .map(drop)
    };
    let edge = Duration::from_secs(300);
    let beyond = edge + Duration::from_millis(1);
    assert_eq!(at(NOW.saturating_add(edge)), Ok(()));
    assert_eq!(
        at(NOW.saturating_add(beyond)),
        Err(RejectionKind::TimestampTooOld)
    );
    let before = tower_webhook::Timestamp::from_unix_millis(NOW.unix_millis() - 300_000);
    assert_eq!(at(before), Ok(()));
    let before = tower_webhook::Timestamp::from_unix_millis(NOW.unix_millis() - 300_001);
    assert_eq!(at(before), Err(RejectionKind::TimestampInFuture));
}

/// Digits cannot move between the end of the URL and the timestamp.
#[test]
fn a23_hubspots_timestamp_cannot_take_digits_of_the_url() {
    let scheme = provider::hubspot_v3(base());
    let mut request = signed(&scheme, "/hook?x=17", "");
    let time = request.headers()["x-hubspot-request-timestamp"]
        .to_str()
        .unwrap()
        .to_owned();
    for (uri, time) in [
        ("/hook?x=1", format!("7{time}")),
        ("/hook?x=", format!("17{time}")),
        ("/hook?x=171", time[1..].to_owned()),
        ("/hook?x=1717", time[2..].to_owned()),
    ] {
        *request.uri_mut() = uri.parse().unwrap();
        let time = time.parse().unwrap();
        request
            .headers_mut()
            .insert("x-hubspot-request-timestamp", time);
        assert!(judge(&scheme, &request).is_err(), "{uri}");
    }
}

#[test]
fn hubspots_versions_are_not_taken_for_each_other() {
    let (v1, v2) = (provider::hubspot_v1(), provider::hubspot_v2(base()));
    for (theirs, ours, name) in [(&v1, &v2, "v2"), (&v2, &v1, "v1")] {
        let mut request = signed(theirs, "/hook", "{}");
        assert_eq!(judge(ours, &request), Err(RejectionKind::UnexpectedHeader));
        let version = name.parse().unwrap();
        request
            .headers_mut()
            .insert("x-hubspot-signature-version", version);
        assert_eq!(judge(ours, &request), Err(RejectionKind::SignatureMismatch));
        request.headers_mut().remove("x-hubspot-signature-version");
        assert_eq!(judge(ours, &request), Err(RejectionKind::UnexpectedHeader));
    }
}

/// Decoded or not, it is one signature, and one event.
#[tokio::test]
async fn b12_an_escape_that_hubspot_decodes_is_the_same_event() {
    let scheme = provider::hubspot_v3(base());
    let route = Route::new(Verifier::new(scheme.clone(), SECRET).unwrap());
    let request = signed(&scheme, "/hook?at=%3A%2F", "[]");
    route.accepts(request.clone(), "first").await;
    for target in ["/hook?at=:/", "/hook?at=%3a/", "/hook%3Fat=%3A%2F"] {
        let mut again = request.clone();
        *again.uri_mut() = target.parse().unwrap();
        route.recognises(again, target).await;
    }
    let mut other = request.clone();
    *other.uri_mut() = "/hook?at=%253A%2F".parse().unwrap();
    route.refuses(other, "escaped twice").await;
}

#[test]
fn the_older_header_of_square_does_not_count() {
    let scheme = provider::square(base());
    let mut request = signed(&scheme, "/hook", r#"{"event_id":"e"}"#);
    let headers = request.headers_mut();
    let signature = headers.remove("x-square-hmacsha256-signature").unwrap();
    headers.insert("x-square-signature", signature);
    assert_eq!(
        judge(&scheme, &request),
        Err(RejectionKind::MissingSignature)
    );
}

/// Every preset with an HMAC or hash over more than what arrives in order.
fn hashed() -> impl Iterator<Item = Scheme> {
    whole_schemes().filter(|scheme| {
        let signs_url = scheme.public_url().is_some();
        let is_plain = matches!(scheme.algorithm(), Algorithm::Hash(_));
        (signs_url || is_plain) && matches!(scheme.signatures(), [Source::Header(_)])
    })
}

fn signature_name(scheme: &Scheme) -> HeaderName {
    let Source::Header(names) = &scheme.signatures()[0] else {
        panic!("{} has its signature elsewhere", scheme.name());
    };
    names[0].parse().unwrap()
}

#[tokio::test]
async fn a5_a6_a7_a8_changed_signatures_are_refused() {
    assert!(hashed().count() >= 7);
    for scheme in hashed() {
        let route = Route::new(verifier(&scheme));
        let (request, name) = (genuine(&scheme), signature_name(&scheme));
        let value = request.headers()[&name].to_str().unwrap().to_owned();
        let mut others = vec![
            String::new(),
            value[..value.len() / 2].to_owned(),
            value[..value.len() - 1].to_owned(),
            format!("{value}0"),
            format!("{value}{value}"),
            format!("{value},{value}"),
            value.replace('=', ""),
            format!("sha256={value}"),
            "0".repeat(value.len()),
        ];
        for position in 0..value.len() {
            let digit = if value.as_bytes()[position] == b'1' {
                "2"
            } else {
                "1"
            };
            others.push(format!(
                "{}{digit}{}",
                &value[..position],
                &value[position + 1..]
            ));
        }
        for other in others.into_iter().filter(|other| *other != value) {
            let mut request = request.clone();
            request.headers_mut().insert(&name, other.parse().unwrap());
            route
                .refuses(request, format!("{} {other}", scheme.name()))
                .await;
        }
        let mut twice = request.clone();
        twice.headers_mut().append(&name, value.parse().unwrap());
        route.refuses(twice, scheme.name()).await;
        let mut missing = request.clone();
        missing.headers_mut().remove(&name);
        let kind = route.refuses(missing, scheme.name()).await;
        assert_eq!(kind, RejectionKind::MissingSignature);
        route.accepts(request, scheme.name()).await;
    }
}

/// Each header that the preset reads counts once, as it is.
#[tokio::test]
async fn a_header_that_comes_twice_is_refused() {
    for scheme in hashed() {
        let request = genuine(&scheme);
        for (name, value) in request.headers() {
            let is_id = format!("{:?}", scheme.event_id()).contains(name.as_str());
            for second in [value.clone(), "0".parse().unwrap()] {
                let route = Route::new(verifier(&scheme));
                let mut twice = request.clone();
                twice.headers_mut().append(name, second);
                let what = format!("{} {name}", scheme.name());
                match is_id {
                    // Verified first, and then no id.
                    true => assert_eq!(route.send(twice).await.status, 400, "{what}"),
                    false => drop(route.refuses(twice, what).await),
                }
                assert_eq!(route.calls.get(), 0);
            }
        }
    }
}

/// The secret is not a part of what events are known by: a retry that is signed
/// with the next secret is the same event.
#[tokio::test]
async fn c17_a_retry_after_a_rotation_is_a_duplicate() {
    const NEXT: &str = "0123456789ABCDEF";
    for scheme in hashed() {
        let both = Verifier::new(scheme.clone(), [SECRET, NEXT]).unwrap();
        let route = Route::new(both);
        let with = |secret: &str| {
            let signer = Signer::new(scheme.clone(), secret).unwrap().at(NOW);
            signer.sign("/hook", crate::whole::body(&scheme))
        };
        route.accepts(with(SECRET), scheme.name()).await;
        route.recognises(with(NEXT), scheme.name()).await;
    }
}
