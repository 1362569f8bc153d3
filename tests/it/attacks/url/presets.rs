//! What is particular to single presets.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use tower_webhook::signature::{PublicUrl, Scheme};
use tower_webhook::testing::Signer;
use tower_webhook::{RejectionKind, Verifier, provider};

use super::base;
use crate::support::route::Route;
use crate::support::{NOW, SECRET};

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
