//! G6, A20 and B12 for forms, and for bodies that only a digest in the URL
//! binds.

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use sha2::{Digest, Sha256};
use tower_webhook::RejectionKind::{MalformedBody, MissingSignedValue, SignatureMismatch};
use tower_webhook::signature::PublicUrl;
use tower_webhook::{Verifier, provider};

use super::{FORM, SECRET, base, form, judge, signature, verifier};
use crate::support::Calls;
use crate::support::route::Route;

const URL: &str = "https://example.com/hook";

fn with_type(mut request: Request<Bytes>, lines: &[&str]) -> Request<Bytes> {
    request.headers_mut().remove("content-type");
    for line in lines {
        let line = HeaderValue::from_str(line).unwrap();
        request.headers_mut().append("content-type", line);
    }
    request
}

/// `body` signed as JSON, with `query` in the URL.
fn json(query: &str, body: &str) -> Request<Bytes> {
    let target = format!("/hook{query}");
    let signed = format!("https://example.com{target}");
    with_type(form(&target, &signed, body), &["application/json"])
}

fn digest(body: &str) -> String {
    hex::encode(Sha256::digest(body))
}

#[test]
fn g6_repeated_and_array_parameters_follow_twilios_rule() {
    let verifier = verifier(base());
    for (body, content) in [
        ("b=2&a=1", "a1b2"),
        ("a=2&a=1", "a1a2"),
        ("a=1&a=1&a=1", "a1"),
        ("a=1&a=2&a=1", "a1a2"),
        ("Sid=1&SidX=2", "Sid1SidX2"),
        ("a[]=2&a[]=1&a=3", "a3a[]1a[]2"),
        ("a[1]=x&a[0]=y", "a[0]ya[1]x"),
        ("B=1&a=2&A=3", "A3B1a2"),
        ("a=", "a"),
        ("a", "a"),
        ("=x", "x"),
        ("a=b=c", "ab=c"),
        ("a= b ", "a b "),
        ("a=%20b+", "a b "),
        ("a=%E2%82%AC", "a\u{20ac}"),
        ("", ""),
    ] {
        let request = form("/hook", &format!("{URL}{content}"), body);
        assert_eq!(judge(&verifier, &request), Ok(()), "{body}");
    }
    for (body, content) in [
        ("a=1&a=2", "a2a1"),
        ("a=1&a=1", "a1a1"),
        ("a=1&a=2", "a12"),
        ("a= b ", "ab"),
        ("a=+", "a+"),
        ("a=%2520", "a "),
        ("Reason=1&ReasonX=2", "ReasonX2Reason1"),
    ] {
        let request = form("/hook", &format!("{URL}{content}"), body);
        assert_eq!(judge(&verifier, &request), Err(SignatureMismatch), "{body}");
    }
}

#[test]
fn g6_mandrill_takes_no_name_twice() {
    let verifier = Verifier::new(provider::mandrill(base()), SECRET).unwrap();
    let signed = |body: &str, content: &str| {
        let mut request = form("/hook", "", body);
        let signature = signature(&format!("{URL}{content}")).parse().unwrap();
        request
            .headers_mut()
            .insert("x-mandrill-signature", signature);
        judge(&verifier, &request)
    };
    assert_eq!(signed("b=2&a=1", "a1b2"), Ok(()));
    for (body, content) in [
        ("a=1&a=2", "a1a2"),
        ("a=1&a=2", "a2"),
        ("a=1&a=1", "a1"),
        ("a=1&%61=2", "a1a2"),
    ] {
        assert_eq!(signed(body, content), Err(MalformedBody), "{body}");
    }
    // Nothing but a form is bound to the signature, not even no body.
    for (body, lines) in [
        ("{}", &["application/json"][..]),
        ("a=1", &["text/plain"]),
        ("", &[]),
    ] {
        for content in ["", "a1", body] {
            let mut request = with_type(form("/hook", "", body), lines);
            let signature = signature(&format!("{URL}{content}")).parse().unwrap();
            request
                .headers_mut()
                .insert("x-mandrill-signature", signature);
            assert_eq!(
                judge(&verifier, &request),
                Err(MissingSignedValue),
                "{body}"
            );
        }
    }
}

/// Whoever decodes with replacement characters makes one text of many bodies.
#[tokio::test]
async fn a20_a_form_that_is_not_utf8_is_refused() {
    let route = Route::new(verifier(base()));
    for body in [
        &b"a=%FF"[..],
        b"a=\xff",
        b"%80=1",
        b"a=%ED%A0%80",
        b"a=%C0%AF",
        b"a=%E2%82",
    ] {
        for replaced in ["a\u{fffd}", "a", "\u{fffd}1", "a\u{fffd}\u{fffd}\u{fffd}"] {
            let mut request = form("/hook", &format!("{URL}{replaced}"), "");
            *request.body_mut() = Bytes::copy_from_slice(body);
            let what = format!("{body:?} as {replaced}");
            assert_eq!(route.refuses(request, &what).await, MalformedBody, "{what}");
        }
    }
}

#[tokio::test]
async fn a20_only_a_form_in_utf8_counts_as_one() {
    let genuine = form("/hook", &format!("{URL}Ab"), "A=b");
    for lines in [
        &[FORM][..],
        &["application/x-www-form-urlencoded; charset=UTF-8"],
        &["APPLICATION/x-www-form-urlencoded;charset=\"utf-8\""],
    ] {
        let route = Route::new(verifier(base()));
        route
            .accepts(with_type(genuine.clone(), lines), lines[0])
            .await;
    }
    for (lines, expected) in [
        (
            &["application/x-www-form-urlencoded; charset=iso-8859-1"][..],
            MalformedBody,
        ),
        (
            &["application/x-www-form-urlencoded; charset=utf-16"],
            MalformedBody,
        ),
        (
            &["application/x-www-form-urlencoded; charset=utf-8; charset=utf-7"],
            MalformedBody,
        ),
        (&[FORM, FORM], MalformedBody),
        (&[FORM, "application/json"], MalformedBody),
        (&["application/json", FORM], MalformedBody),
        (
            &["application/x-www-form-urlencoded, application/json"],
            MissingSignedValue,
        ),
        (&["multipart/form-data; boundary=x"], MissingSignedValue),
        (
            &["multipart/form-data; boundary=application/x-www-form-urlencoded"],
            MissingSignedValue,
        ),
        (&["application/json"], MissingSignedValue),
        (&["text/plain"], MissingSignedValue),
        (&["x-www-form-urlencoded"], MissingSignedValue),
        (&[""], MissingSignedValue),
        (&[], MissingSignedValue),
    ] {
        let route = Route::new(verifier(base()));
        let kind = route
            .refuses(with_type(genuine.clone(), lines), lines.len())
            .await;
        assert_eq!(kind, expected, "{lines:?}");
    }
}

#[tokio::test]
async fn a20_a_body_that_is_neither_a_form_nor_bound_by_a_digest_is_refused() {
    let route = Route::new(verifier(base()));
    for body in ["{}", "{\"MessageSid\":\"SM1\"}", " ", "A=b"] {
        for query in [
            "",
            "?",
            "?bodySHA256",
            "?x=1",
            "?bodysha256=0",
            "?BODYSHA256=0",
        ] {
            let kind = route.refuses(json(query, body), query).await;
            let named = query == "?bodySHA256";
            let expected = if named {
                SignatureMismatch
            } else {
                MissingSignedValue
            };
            assert_eq!(kind, expected, "{query} {body}");
        }
    }
    // Signed as a form, sent as something else.
    let signed = form("/hook", &format!("{URL}{{}}"), "{}");
    let kind = route
        .refuses(with_type(signed, &["application/json"]), "a form")
        .await;
    assert_eq!(kind, MissingSignedValue);
}

#[tokio::test]
async fn a20_the_digest_in_the_url_binds_the_bytes_of_the_body() {
    let body = r#"{"MessageSid":"SM1"}"#;
    let right = digest(body);
    for query in [
        format!("?bodySHA256={right}"),
        format!("?bodySHA256={}", right.to_uppercase()),
        format!("?x=1&bodySHA256={right}&y"),
        format!("?body%53HA256={right}"),
    ] {
        let route = Route::new(verifier(base()));
        route.accepts(json(&query, body), &query).await;
        for other in [
            "",
            "{}",
            r#"{"MessageSid":"SM2"}"#,
            r#"{"MessageSid": "SM1"}"#,
        ] {
            let kind = route.refuses(json(&query, other), other).await;
            assert_eq!(kind, SignatureMismatch);
        }
        // The URL is signed with the digest in it.
        let mut moved = json(&query, body);
        *moved.uri_mut() = format!("/hook?bodySHA256={}", digest("{}"))
            .parse()
            .unwrap();
        *moved.body_mut() = Bytes::from_static(b"{}");
        assert_eq!(route.refuses(moved, &query).await, SignatureMismatch);
    }
    let route = Route::new(verifier(base()));
    for (query, expected) in [
        (
            format!("?bodySHA256={right}&bodySHA256={right}"),
            MalformedBody,
        ),
        (
            format!("?bodySHA256={}&bodySHA256={right}", digest("{}")),
            MalformedBody,
        ),
        (format!("?bodySHA256={right}&body%53HA256="), MalformedBody),
        (format!("?bodySHA256={right}&x=%FF"), MalformedBody),
        (format!("?bodySHA256={}", &right[..62]), SignatureMismatch),
        (format!("?bodySHA256={}", &right[..63]), MalformedBody),
        (format!("?bodySHA256={right}0"), MalformedBody),
        (format!("?bodySHA256=0x{right}"), MalformedBody),
        (format!("?bodySHA256=+{right}"), MalformedBody),
        (format!("?bodySHA256={}", digest("{}")), SignatureMismatch),
    ] {
        let kind = route.refuses(json(&query, body), &query).await;
        assert_eq!(kind, expected, "{query}");
    }
}

/// Where the URL is configured as a whole, the request's own query is nobody's
/// word: a digest in it would bind a body to nothing.
#[tokio::test]
async fn a20_a_digest_that_is_not_in_the_signed_url_does_not_count() {
    let body = "{}";
    let route = Route::new(verifier(PublicUrl::registered(URL).unwrap()));
    let query = format!("?bodySHA256={}", digest(body));
    let request = with_type(
        form(&format!("/hook{query}"), URL, body),
        &["application/json"],
    );
    assert_eq!(
        route.refuses(request, "registered").await,
        MissingSignedValue
    );
}

/// The method is not signed, but what is signed differs.
#[test]
fn a_form_cannot_become_a_get() {
    let verifier = verifier(base());
    let mut request = form("/hook", &format!("{URL}Ab"), "A=b");
    *request.method_mut() = Method::GET;
    request.body_mut().clear();
    assert_eq!(judge(&verifier, &request), Err(SignatureMismatch));
    *request.uri_mut() = "/hook?A=b".parse().unwrap();
    assert_eq!(judge(&verifier, &request), Err(SignatureMismatch));
}

/// B12: whatever can be rearranged without breaking the signature is the same
/// event.
#[tokio::test]
async fn b12_a_form_in_another_order_is_the_same_event() {
    let route = Route::new(verifier(base()));
    let content = format!("{URL}a1a2bx y");
    route
        .accepts(form("/hook", &content, "a=1&a=2&b=x+y"), "first")
        .await;
    for body in [
        "a=1&a=2&b=x+y",
        "b=x+y&a=2&a=1",
        "a=1&a=2&a=1&b=x%20y",
        "&&%61=1&a=2&b=x+y&",
        // Nothing says where a name ends.
        "a1a2=&b=x+y",
        "a1a2b=x+y",
    ] {
        route.recognises(form("/hook", &content, body), body).await;
    }
}

#[tokio::test]
async fn b12_an_id_that_is_not_signed_makes_no_new_event() {
    let content = format!("{URL}a1b2");
    let with_id = |body: &str, id: Option<&'static str>| {
        let mut request = form("/hook", &content, body);
        if let Some(id) = id {
            let id = HeaderValue::from_static(id);
            request
                .headers_mut()
                .insert("i-twilio-idempotency-token", id);
        }
        request
    };
    for first in [Some("token-1"), None] {
        let route = Route::new(verifier(base()));
        route.accepts(with_id("a=1&b=2", first), "first").await;
        for body in ["a=1&b=2", "b=2&a=1", "a1=b2", "a=1&b=2&b=2"] {
            for id in [Some("token-2"), None] {
                route.recognises(with_id(body, id), body).await;
            }
        }
    }
}

/// Both of Twilio's spellings of a port are one event, whichever was signed and
/// whichever came first.
#[tokio::test]
async fn b12_a_port_more_or_less_is_the_same_event() {
    for signed in ["https://example.com/hook", "https://example.com:443/hook"] {
        let route = Route::new(verifier(base()));
        route
            .accepts(form("/hook", &format!("{signed}Ab"), "A=b"), signed)
            .await;
        for again in ["https://example.com:443/hook", "https://example.com/hook"] {
            let again = form("/hook", &format!("{again}Ab"), "A=b");
            route.recognises(again, signed).await;
        }
    }
}

/// Without a body, the URL is all that tells two events apart.
#[tokio::test]
async fn two_gets_are_two_events() {
    let calls = Calls::default();
    let route = Route::new(verifier(base()));
    let get = |query: &str| {
        let target = format!("/hook?{query}");
        let mut request = form(&target, &format!("https://example.com{target}"), "");
        *request.method_mut() = Method::GET;
        request.headers_mut().remove("content-type");
        request
    };
    for query in ["MessageSid=SM1", "MessageSid=SM2", "MessageSid=SM1&x"] {
        route.accepts(get(query), query).await;
        route.recognises(get(query), query).await;
        calls.add();
    }
    assert_eq!(route.calls.get(), calls.get());
}

#[test]
fn a_digest_of_the_body_needs_the_url_to_be_signed() {
    use tower_webhook::signature::{Part, RepeatedNames};
    let form = |digest: Option<&'static str>| Part::SortedForm {
        repeated: RepeatedNames::EachPairOnce,
        digest: digest.map(Into::into),
    };
    let scheme = provider::twilio(base());
    let built = |part| Verifier::new(scheme.clone().with_content([part]), SECRET);
    assert!(built(form(Some("digest"))).is_err());
    assert!(built(form(None)).is_ok());
}

/// As Twilio sends JSON: its digest in the URL, and that signed.
#[test]
fn a20_a_signer_of_json_puts_its_digest_into_the_url() {
    let body = r#"{"a":1}"#;
    let scheme = provider::twilio(base());
    let signer = tower_webhook::testing::Signer::new(scheme, SECRET).unwrap();
    let request = signer.sign("/hook?b=2", body);
    let query = format!("b=2&bodySHA256={}", digest(body));
    assert_eq!(request.uri().query(), Some(query.as_str()));
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(judge(&verifier(base()), &request), Ok(()));
}
