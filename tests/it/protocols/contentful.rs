//! Contentful: what is refused.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use sha2::Sha256;
use tower_webhook::provider::{Contentful, contentful};
use tower_webhook::signature::{PublicUrl, Scheme};
use tower_webhook::{ConfigError, RejectionKind, Verifier};

use super::{Change, repeated, set};
use crate::support::route::Route;

const SECRET: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SIGNATURE: &str = "x-contentful-signature";
const SIGNED_HEADERS: &str = "x-contentful-signed-headers";
const TIMESTAMP: &str = "x-contentful-timestamp";
const TOPIC: &str = "x-contentful-topic";

/// A request to `uri` whose signed path is `path`.
fn signed(uri: &str, path: &str, headers: &[(&'static str, &str)]) -> Request<Bytes> {
    let lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    let content = format!("POST\n{path}\n{}\n{{}}", lines.join(";"));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(content.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let mut request = Request::post(uri).body(Bytes::from_static(b"{}")).unwrap();
    for (name, value) in headers {
        set(&mut request, name, value);
    }
    set(&mut request, SIGNATURE, &signature);
    request
}

const HEADERS: [(&str, &str); 3] = [
    (
        SIGNED_HEADERS,
        "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
    ),
    (TIMESTAMP, "1700000000000"),
    (TOPIC, "ContentManagement.Entry.publish"),
];

fn genuine() -> Request<Bytes> {
    signed("/hook?a=1&b=2", "/hook?a%253D1%2526b%253D2", &HEADERS)
}

fn route() -> Route {
    Route::new(Verifier::new(contentful(), SECRET).unwrap())
}

#[tokio::test]
async fn a_request_is_processed_once() {
    let route = route();
    route.accepts(genuine(), "genuine").await;
    route.recognises(genuine(), "again").await;
}

#[tokio::test]
async fn a19_everything_that_is_signed_is_signed() {
    let changes: [(&str, Change); 6] = [
        ("body", |request| {
            *request.body_mut() = Bytes::from_static(b"{ }")
        }),
        ("path", |request| {
            *request.uri_mut() = "/hook2?a=1&b=2".parse().unwrap()
        }),
        ("query", |request| {
            *request.uri_mut() = "/hook?b=2&a=1".parse().unwrap()
        }),
        ("no query", |request| {
            *request.uri_mut() = "/hook".parse().unwrap()
        }),
        ("topic", |request| {
            set(request, TOPIC, "ContentManagement.Entry.delete")
        }),
        ("time", |request| set(request, TIMESTAMP, "1700000000001")),
    ];
    for (what, change) in changes {
        let mut request = genuine();
        change(&mut request);
        let kind = route().refuses(request, what).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{what}");
    }
}

#[tokio::test]
async fn what_the_toolkit_leaves_unsigned_is_refused() {
    // Everything behind a second question mark.
    let mut request = genuine();
    *request.uri_mut() = "/hook?a=1&b=2?c=3".parse().unwrap();
    let kind = route().refuses(request, "second question mark").await;
    assert_eq!(kind, RejectionKind::MalformedSignedValue);
    // A header that is listed and not there.
    let mut request = genuine();
    request.headers_mut().remove(TOPIC);
    let kind = route().refuses(request, "listed, missing").await;
    assert_eq!(kind, RejectionKind::MissingSignedValue);
}

#[tokio::test]
async fn the_list_of_headers_has_one_form() {
    for list in [
        "",
        "x-contentful-timestamp",
        "x-contentful-signed-headers",
        "x-contentful-timestamp,x-contentful-signed-headers",
        "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-timestamp",
        "X-Contentful-Signed-Headers,x-contentful-timestamp",
        "x-contentful-signed-headers, x-contentful-timestamp",
        "x-contentful-signed-headers,x-contentful-timestamp,",
        ",x-contentful-signed-headers,x-contentful-timestamp",
        "x-contentful-signed-headers,x-contentful-timestamp,x y",
    ] {
        let headers = [(SIGNED_HEADERS, list), HEADERS[1]];
        let request = signed("/hook", "/hook", &headers);
        let kind = route().refuses(request, list).await;
        assert_ne!(kind, RejectionKind::SignatureMismatch, "{list}");
    }
    let long: String = (0..20_000).map(|number| format!("a{number:05},")).collect();
    let request = signed("/hook", "/hook", &[(SIGNED_HEADERS, &long), HEADERS[1]]);
    let kind = route().refuses(request, "long").await;
    assert_eq!(kind, RejectionKind::MalformedSignedValue);
}

/// `a:1;b:2` would also be one header with the value `1;b:2`.
#[tokio::test]
async fn signed_headers_do_not_run_together() {
    let list = "x-a,x-b,x-contentful-signed-headers,x-contentful-timestamp";
    let headers = |a, b| [("x-a", a), ("x-b", b), (SIGNED_HEADERS, list), HEADERS[1]];
    let genuine = signed("/hook", "/hook", &headers("1", "2;x-b:3"));
    let moved = signed("/hook", "/hook", &headers("1;x-b:2", "3"));
    assert_eq!(genuine.headers()[SIGNATURE], moved.headers()[SIGNATURE]);
    for request in [genuine, moved] {
        let kind = route().refuses(request, "ambiguous").await;
        assert_eq!(kind, RejectionKind::MalformedSignedValue);
    }
    let plain = signed("/hook", "/hook", &headers("text/plain; charset=utf-8", "2"));
    route().accepts(plain, "a semicolon").await;
}

#[tokio::test]
async fn a17_no_signed_header_may_be_missing_or_come_twice() {
    for name in [SIGNATURE, SIGNED_HEADERS, TIMESTAMP, TOPIC] {
        let name = http::HeaderName::from_static(name);
        for request in repeated(&genuine(), &name) {
            let kind = route().refuses(request, name.as_str()).await;
            assert_ne!(kind, RejectionKind::SignatureMismatch, "{name}");
        }
        let mut without = genuine();
        without.headers_mut().remove(&name);
        let kind = route().refuses(without, name.as_str()).await;
        assert_ne!(kind, RejectionKind::SignatureMismatch, "{name}");
    }
}

#[tokio::test]
async fn requests_are_fresh_for_half_a_minute() {
    let sent_at = |time: &str| {
        let headers = [HEADERS[0], (TIMESTAMP, time), HEADERS[2]];
        signed("/hook", "/hook", &headers)
    };
    for time in ["1699999970000", "1700000030000"] {
        route().accepts(sent_at(time), time).await;
    }
    for (time, expected) in [
        ("1699999969999", RejectionKind::TimestampTooOld),
        ("1700000030001", RejectionKind::TimestampInFuture),
        ("1700000000", RejectionKind::TimestampTooOld),
        ("1.7e12", RejectionKind::MalformedTimestamp),
        ("", RejectionKind::MalformedTimestamp),
    ] {
        let kind = route().refuses(sent_at(time), time).await;
        assert_eq!(kind, expected, "{time}");
    }
    let patient: Scheme = Contentful::new()
        .with_tolerance(std::time::Duration::from_secs(60))
        .into();
    let route = Route::new(Verifier::new(patient, SECRET).unwrap());
    route.accepts(sent_at("1699999940000"), "a minute").await;
}

#[tokio::test]
async fn behind_a_proxy_the_path_is_that_of_the_public_url() {
    let url = PublicUrl::registered("https://example.com/public/hook?a=1").unwrap();
    let scheme = contentful().with_public_url(url);
    let route = Route::new(Verifier::new(scheme, SECRET).unwrap());
    let genuine = signed("/inner", "/public/hook?a%253D1", &HEADERS);
    route.accepts(genuine, "the public path").await;
    let inner = signed("/inner", "/inner", &HEADERS);
    route.refuses(inner, "the inner path").await;
}

#[test]
fn secrets_have_64_characters() {
    for secret in [&SECRET[1..], "a", &"a".repeat(65)] {
        let built = Verifier::new(contentful(), secret);
        assert!(
            matches!(built, Err(ConfigError::UndecodableSecret { .. })),
            "{secret}"
        );
    }
}
