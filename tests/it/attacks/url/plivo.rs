//! B12 where an attack on it has a name: Plivo signs a sorted query
//! (CVE-2026-41395).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use tower_webhook::RejectionKind::{
    self, MalformedBody, MalformedSignature, MalformedSignedValue, MissingSignature,
    MissingSignedValue, RepeatedSignatureHeader, SignatureMismatch, TooManySignatures,
};
use tower_webhook::signature::Scheme;
use tower_webhook::{Verifier, provider};

use super::{FORM, SECRET, base};
use crate::support::forge::mac;
use crate::support::route::Route;

const SIGNATURE: &str = "x-plivo-signature-v3";
const MAIN: &str = "x-plivo-signature-ma-v3";
const NONCE: &str = "x-plivo-signature-v3-nonce";
const URL: &str = "https://example.com/answer";

fn scheme() -> Scheme {
    provider::plivo(base())
}

fn verifier() -> Verifier {
    Verifier::new(scheme(), SECRET).unwrap()
}

fn sign(content: &str) -> String {
    STANDARD.encode(mac(SECRET.as_bytes(), content.as_bytes()))
}

fn request(target: &str, content: &str, body: &str) -> Request<Bytes> {
    Request::post(target)
        .header("content-type", FORM)
        .header(SIGNATURE, sign(content))
        .header(NONCE, "123")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn get(target: &str, content: &str) -> Request<Bytes> {
    let mut request = request(target, content, "");
    *request.method_mut() = Method::GET;
    request.headers_mut().remove("content-type");
    request
}

fn judge(request: &Request<Bytes>) -> Result<(), RejectionKind> {
    super::judge(&verifier(), request)
}

fn with(mut request: Request<Bytes>, name: &'static str, value: &str) -> Request<Bytes> {
    let value = HeaderValue::from_str(value).unwrap();
    request.headers_mut().insert(name, value);
    request
}

#[test]
fn the_content_has_separators_only_where_they_separate() {
    for (target, body, content) in [
        ("/answer", "", ".123"),
        ("/answer?", "", ".123"),
        ("/answer?b=2&a=1", "", "?a=1&b=2.123"),
        ("/answer", "b=2&a=1", "?a1b2.123"),
        ("/answer?x=1", "b=2&a=1", "?x=1.a1b2.123"),
        ("/answer?x=2&x=1&x", "a=2&a=1&a=1", "?x=&x=1&x=2.a1a1a2.123"),
        ("/answer?x=%20+%2B", "a=%20+%2B", "?x=  +.a  +.123"),
    ] {
        let content = format!("{URL}{content}");
        assert_eq!(
            judge(&request(target, &content, body)),
            Ok(()),
            "{target} {body}"
        );
        if body.is_empty() {
            assert_eq!(judge(&get(target, &content)), Ok(()), "{target}");
        }
        for other in [
            format!("{content}4"),
            content.replace('?', ""),
            content.replacen('.', "", 2),
            content.replace("https", "http"),
        ] {
            if other != content {
                let refused = judge(&request(target, &other, body));
                assert_eq!(refused, Err(SignatureMismatch), "{other}");
            }
        }
    }
}

#[tokio::test]
async fn b12_a_query_in_another_order_is_the_same_event() {
    let content = format!("{URL}?a=1&b=x y&b=z.Digits1To+1415.123");
    let first = "/answer?a=1&b=x+y&b=z";
    let body = "Digits=1&To=%2B1415";
    let route = Route::new(verifier());
    route.accepts(request(first, &content, body), "first").await;
    for target in [
        first,
        "/answer?b=z&a=1&b=x%20y",
        "/answer?b=x+y&b=z&a=1",
        "/answer?&&a=1&b=x+y&%62=z&",
        "/answer?a=1%26b%3Dx+y&b=z",
    ] {
        for body in [
            body,
            "To=%2B1415&Digits=1",
            "Digits1To=%2B1415",
            "%44igits=1&To=%2b1415",
        ] {
            let again = request(target, &content, body);
            route.recognises(again, format!("{target} {body}")).await;
        }
    }
    assert_eq!(route.calls.get(), 1);
}

/// They have no body, and one nonce each: what is signed tells them apart.
#[tokio::test]
async fn two_gets_are_two_events() {
    let route = Route::new(verifier());
    for query in ["CallUUID=1", "CallUUID=2"] {
        let get = || get(&format!("/answer?{query}"), &format!("{URL}?{query}.123"));
        route.accepts(get(), query).await;
        route.recognises(get(), query).await;
    }
}

#[tokio::test]
async fn b10_a_nonce_cannot_be_changed() {
    let route = Route::new(verifier());
    let content = format!("{URL}?a1.b.123");
    let genuine = request("/answer", &content, "a=1.b");
    for nonce in ["124", "12", "1234", "0123"] {
        let other = with(genuine.clone(), NONCE, nonce);
        assert_eq!(route.refuses(other, nonce).await, SignatureMismatch);
    }
    // It takes nothing of the form with it.
    let shifted = with(request("/answer", &content, "a=1"), NONCE, "b.123");
    assert_eq!(
        route.refuses(shifted, "shifted").await,
        MalformedSignedValue
    );
    for nonce in ["", " ", "a b", "123\t4", "123,123", "\u{e9}"] {
        let kind = route
            .refuses(with(genuine.clone(), NONCE, nonce), nonce)
            .await;
        assert_eq!(kind, MalformedSignedValue, "{nonce:?}");
    }
    let mut none = genuine.clone();
    none.headers_mut().remove(NONCE);
    assert_eq!(route.refuses(none, "none").await, MissingSignedValue);
    let mut twice = genuine.clone();
    twice.headers_mut().append(NONCE, "123".parse().unwrap());
    assert_eq!(route.refuses(twice, "twice").await, MalformedSignedValue);
    route.accepts(genuine, "genuine").await;
}

#[test]
fn one_signature_of_several_is_enough_in_either_header() {
    let content = format!("{URL}?a1.123");
    let (right, wrong) = (sign(&content), sign("x"));
    let genuine = request("/answer", &content, "a=1");
    for (own, main, expected) in [
        (Some(right.clone()), None, Ok(())),
        (None, Some(right.clone()), Ok(())),
        (Some(format!("{wrong},{right}")), None, Ok(())),
        (Some(format!("{right}, {wrong},???")), None, Ok(())),
        (Some(wrong.clone()), Some(right.clone()), Ok(())),
        (
            Some(wrong.clone()),
            Some(wrong.clone()),
            Err(SignatureMismatch),
        ),
        (Some(right[..20].to_owned()), None, Err(SignatureMismatch)),
        (Some("???".to_owned()), None, Err(MalformedSignature)),
        (
            Some(String::new()),
            Some("?".to_owned()),
            Err(MalformedSignature),
        ),
        (None, None, Err(MissingSignature)),
        (
            Some([wrong.as_str(); 16].join(",")),
            Some(right.clone()),
            Err(TooManySignatures),
        ),
        (
            Some(format!("{},{right}", ["?"; 16].join(","))),
            None,
            Err(TooManySignatures),
        ),
    ] {
        let mut request = genuine.clone();
        request.headers_mut().remove(SIGNATURE);
        for (name, value) in [(SIGNATURE, own), (MAIN, main)] {
            if let Some(value) = value {
                request = with(request, name, &value);
            }
        }
        assert_eq!(judge(&request), expected, "{:?}", request.headers());
    }
    let mut twice = genuine.clone();
    twice
        .headers_mut()
        .append(SIGNATURE, right.parse().unwrap());
    assert_eq!(judge(&twice), Err(RepeatedSignatureHeader));
    let older = with(genuine, "x-plivo-signature-v2", &right);
    let mut older = with(older, "x-plivo-signature", &right);
    older.headers_mut().remove(SIGNATURE);
    assert_eq!(judge(&older), Err(MissingSignature));
}

#[test]
fn a20_only_a_form_in_utf8_is_signed() {
    let content = format!("{URL}?a1.123");
    let genuine = request("/answer", &content, "a=1");
    for (content_type, expected) in [
        ("application/json", MissingSignedValue),
        ("multipart/form-data; boundary=x", MissingSignedValue),
        (
            "application/x-www-form-urlencoded; charset=latin1",
            MalformedBody,
        ),
    ] {
        let other = with(genuine.clone(), "content-type", content_type);
        assert_eq!(judge(&other), Err(expected), "{content_type}");
    }
    let broken = request("/answer", &format!("{URL}?a\u{fffd}.123"), "a=%FF");
    assert_eq!(judge(&broken), Err(MalformedBody));
    let broken = request("/answer?a=%FF", &format!("{URL}?a=\u{fffd}.123"), "");
    assert_eq!(judge(&broken), Err(MalformedBody));
}
