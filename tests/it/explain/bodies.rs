//! Bodies that were changed on the way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use tower_webhook::explain::Cause;
use tower_webhook::provider;
use tower_webhook::signature::Scheme;

use super::{assert_likely, assert_proved, explained, families, sender, verifier};

fn assert_change(scheme: &Scheme, sent: &[u8], received: &[u8], cause: Cause) {
    let mut request = sender(scheme).sign("/hook", sent.to_vec());
    *request.body_mut() = Bytes::copy_from_slice(received);
    let case = format!("{}: {}", scheme.name(), String::from_utf8_lossy(sent));
    assert_proved(explained(&verifier(scheme), &request), cause, &case);
}

#[test]
fn bytes_around_the_body() {
    let json = br#"{"id":"evt_1"}"#;
    for scheme in families() {
        for [one, other] in [
            [
                [json, &b""[..]].concat(),
                [b"\xef\xbb\xbf", &json[..]].concat(),
            ],
            [json.to_vec(), [json, &b"\n"[..]].concat()],
            [json.to_vec(), [json, &b"\r\n"[..]].concat()],
            [b"{\n}\n".to_vec(), b"{\r\n}\r\n".to_vec()],
        ] {
            let cause = match one.len() + 3 == other.len() && other[0] == 0xef {
                true => Cause::BodyByteOrderMark,
                false => Cause::BodyLineEnds,
            };
            assert_change(&scheme, &one, &other, cause);
            assert_change(&scheme, &other, &one, cause);
        }
    }
}

#[test]
fn bodies_that_were_wrapped() {
    let json = br#"{"id":"evt_1","text":"a\"b"}"#;
    for scheme in families() {
        let base64 = STANDARD.encode(json);
        assert_change(&scheme, json, base64.as_bytes(), Cause::BodyWrapped);
        let string = serde_json::to_string(str::from_utf8(json).unwrap()).unwrap();
        assert_change(&scheme, json, string.as_bytes(), Cause::BodyWrapped);
    }
}

#[test]
fn bodies_in_another_character_set() {
    for scheme in families() {
        let sent = "{\"name\":\"J\u{fc}rgen\"}";
        let garbled: String = sent.bytes().map(char::from).collect();
        assert_change(
            &scheme,
            sent.as_bytes(),
            garbled.as_bytes(),
            Cause::BodyCharset,
        );
    }
}

/// The same value, as different libraries write it. Numbers that lose something
/// in a parser are among them.
const WRITTEN: [&str; 9] = [
    r#"{"b":"é/<😀","a":[1.0,{"x":null,"n":12345678901234567890123}],"c":{},"d":[]}"#,
    r#"{"b": "é/<😀", "a": [1.0, {"x": null, "n": 12345678901234567890123}], "c": {}, "d": []}"#,
    r#"{"b": "\u00e9/<\ud83d\ude00", "a": [1.0, {"x": null, "n": 12345678901234567890123}], "c": {}, "d": []}"#,
    r#"{"b":"\u00e9\/<\ud83d\ude00","a":[1.0,{"x":null,"n":12345678901234567890123}],"c":{},"d":[]}"#,
    r#"{"b":"é\/<😀","a":[1.0,{"x":null,"n":12345678901234567890123}],"c":{},"d":[]}"#,
    r#"{"b":"é/\u003c😀","a":[1.0,{"x":null,"n":12345678901234567890123}],"c":{},"d":[]}"#,
    r#"{"a":[1.0,{"n":12345678901234567890123,"x":null}],"b":"é/<😀","c":{},"d":[]}"#,
    "{\n  \"b\": \"é/<😀\",\n  \"a\": [\n    1.0,\n    {\n      \"x\": null,\n      \"n\": 12345678901234567890123\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}",
    "{\n    \"a\": [\n        1.0,\n        {\n            \"n\": 12345678901234567890123,\n            \"x\": null\n        }\n    ],\n    \"b\": \"\\u00e9\\/<\\ud83d\\ude00\",\n    \"c\": {},\n    \"d\": []\n}",
];

#[test]
fn json_that_was_written_again() {
    for scheme in families() {
        for sent in WRITTEN {
            for received in WRITTEN {
                // What was not sorted cannot be told from what was.
                let is_lost = received
                    .trim_start_matches(['{', '\n', ' '])
                    .starts_with("\"a\"")
                    && !sent
                        .trim_start_matches(['{', '\n', ' '])
                        .starts_with("\"a\"");
                if sent != received && !is_lost {
                    let cause = Cause::BodyReserialised;
                    assert_change(&scheme, sent.as_bytes(), received.as_bytes(), cause);
                }
            }
        }
    }
}

#[test]
fn the_loss_of_an_order_is_hinted_at() {
    let scheme = provider::github();
    let mut request = sender(&scheme).sign("/", r#"{"zeta":1,"beta":{"y":1,"x":2}}"#);
    *request.body_mut() = Bytes::from_static(br#"{"beta":{"x":2,"y":1},"zeta":1}"#);
    let explanation = explained(&verifier(&scheme), &request).unwrap();
    assert!(
        explanation.sentence().contains("keys are sorted"),
        "{explanation}"
    );
    assert_likely(Some(explanation), Cause::WrongKeyOrContent, "sorted");
}

#[test]
fn forms_that_were_written_again() {
    let sent = b"payload=%7B%22a%22%3A+1%7D&text=x+%2a~%C3%A9";
    for scheme in families() {
        for received in [
            &b"payload=%7B%22a%22%3A%201%7D&text=x%20*~%c3%a9"[..],
            b"payload={%22a%22:+1}&text=x+*%7E%C3%A9",
        ] {
            let sent = match received[9] {
                b'%' => &sent[..],
                _ => b"payload=%7B%22a%22%3A+1%7D&text=x+%2A~%C3%A9",
            };
            // Only one way of escaping is assumed at a time.
            let sent = String::from_utf8(sent.to_vec())
                .unwrap()
                .replace("%2a", "%2A");
            let mut request = sender(&scheme).sign("/hook", sent);
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert(CONTENT_TYPE, form);
            *request.body_mut() = Bytes::from_static(received);
            let explanation = explained(&verifier(&scheme), &request);
            assert_proved(explanation, Cause::BodyFormReencoded, scheme.name());
        }
    }
}

#[test]
fn signs_of_what_cannot_be_taken_back() {
    for scheme in families() {
        let explain = |header: Option<(http::HeaderName, &'static str)>, body: &'static str| {
            let mut request = sender(&scheme).sign("/hook", b"\x1f\x8b\xff".to_vec());
            if let Some((name, value)) = header {
                request
                    .headers_mut()
                    .insert(name, HeaderValue::from_static(value));
            }
            *request.body_mut() = Bytes::from_static(body.as_bytes());
            explained(&verifier(&scheme), &request)
        };
        let case = scheme.name();
        let gzip = explain(Some((CONTENT_ENCODING, "gzip")), "{}");
        assert_likely(gzip, Cause::BodyDecompressed, case);
        let identity = explain(Some((CONTENT_ENCODING, "identity")), "{}");
        assert_likely(identity, Cause::WrongKeyOrContent, case);
        let length = explain(Some((CONTENT_LENGTH, "3")), "{}");
        assert!(length.as_ref().unwrap().sentence().contains("has 2 bytes"));
        assert_likely(length, Cause::BodyLength, case);
        let lossy = explain(None, "{\"a\":\"\u{fffd}\"}");
        assert_likely(lossy, Cause::BodyCharset, case);
        let empty = explain(None, "").unwrap();
        assert!(empty.sentence().contains("it is empty"), "{empty}");
    }
}

/// What is not signed does not matter.
#[test]
fn values_are_signed_however_they_are_written() {
    let scheme = provider::mailgun();
    let body = r#"{"signature":{"timestamp":"1700000000","token":"a8ce"}}"#;
    let (parts, body) = sender(&scheme).sign("/", body).into_parts();
    let changed = String::from_utf8(body.to_vec())
        .unwrap()
        .replace("a8ce", "a8cf");
    let request = http::Request::from_parts(parts, Bytes::from(changed));
    let explanation = explained(&verifier(&scheme), &request);
    assert_likely(explanation, Cause::WrongKeyOrContent, "mailgun");

    let mut request = request;
    *request.body_mut() = Bytes::from_static(b"[]");
    let explanation = explained(&verifier(&scheme), &request);
    let cause = explanation.as_ref().unwrap().cause();
    assert!(matches!(
        cause,
        Cause::MalformedBody | Cause::MissingSignature | Cause::MissingValue
    ));
}
