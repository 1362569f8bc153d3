//! A23: the same content, divided at other places.

use bytes::Bytes;
use http::{HeaderValue, Request};
use tower_webhook::signature::{Grammar, Hash, Part, Scheme, Source, TimestampRule};
use tower_webhook::{RejectionKind, Verifier, provider};

use crate::support::forge::mac;
use crate::support::route::Route;
use crate::support::{NOW, SECRET, accepts, signer, verifier};

/// Splits the signed content at another place than the sender did.
fn standard(id: &str, timestamp: &str, body: &str, key: &[u8]) -> Request<Bytes> {
    use base64::Engine;
    let content = format!("{id}.{timestamp}.{body}");
    let text = base64::engine::general_purpose::STANDARD.encode(mac(key, content.as_bytes()));
    Request::post("/hook")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", format!("v1,{text}"))
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

#[tokio::test]
async fn a23_the_parts_of_what_is_signed_cannot_be_shifted() {
    let key = b"0123456789abcdef";
    let scheme = provider::standard_webhooks();
    let secret = tower_webhook::Secret::from_bytes(*key);
    let route = Route::new(tower_webhook::Verifier::new(scheme, secret).unwrap());
    let now = NOW.unix_seconds().to_string();
    for (id, timestamp, body) in [
        (format!("a.{now}"), now.clone(), "{}".to_owned()),
        ("a.1".to_owned(), now.clone(), "{}".to_owned()),
        (".".to_owned(), now.clone(), "{}".to_owned()),
        ("a".to_owned(), format!("{now}.{now}"), "{}".to_owned()),
        ("a".to_owned(), format!("{now}.0"), "{}".to_owned()),
    ] {
        let what = format!("{id} {timestamp}");
        let request = standard(&id, &timestamp, &body, key);
        route.refuses(request, what).await;
    }
    let genuine = standard("a", &now, "1.{}", key);
    route.accepts(genuine, "nothing shifted").await;
}

/// Box signs body and timestamp without anything in between.
#[test]
fn a23_the_timestamp_of_box_cannot_grow_or_shrink_into_the_body() {
    let scheme = provider::box_com();
    let verifier = verifier(&scheme);
    for tail in ["1", "0", "+", "-", "2023-11-14T22:13:2", " "] {
        let request = signer(&scheme).sign("/hook", format!("{{}}{tail}"));
        assert!(accepts(&verifier, &request));
        let (body, time) = (
            request.body().clone(),
            request.headers()["box-delivery-timestamp"].clone(),
        );
        let content = [&body[..], time.as_bytes()].concat();
        for split in 0..content.len() {
            let Ok(time) = HeaderValue::from_bytes(&content[split..]) else {
                continue;
            };
            let mut shifted = request.clone();
            shifted.headers_mut().insert("box-delivery-timestamp", time);
            *shifted.body_mut() = Bytes::copy_from_slice(&content[..split]);
            assert_eq!(
                accepts(&verifier, &shifted),
                split == body.len(),
                "{:?}",
                &content[split..]
            );
        }
    }
}

/// Zendesk signs them the other way round.
#[test]
fn a23_the_timestamp_of_zendesk_cannot_grow_or_shrink_into_the_body() {
    let scheme = provider::zendesk();
    let verifier = verifier(&scheme);
    let header = "x-zendesk-webhook-signature-timestamp";
    for head in ["", "0", ".5Z", "+00:00", "Z", "2023-11-14T22:13:20Z", " "] {
        let request = signer(&scheme).sign("/hook", format!("{head}{{}}"));
        assert!(accepts(&verifier, &request));
        let time = request.headers()[header].clone();
        let content = [time.as_bytes(), &request.body()[..]].concat();
        for split in 0..=content.len() {
            let Ok(other) = HeaderValue::from_bytes(&content[..split]) else {
                continue;
            };
            let mut shifted = request.clone();
            shifted.headers_mut().insert(header, other);
            *shifted.body_mut() = Bytes::copy_from_slice(&content[split..]);
            assert_eq!(
                accepts(&verifier, &shifted),
                split == time.len(),
                "{:?}",
                &content[..split]
            );
        }
    }
}

/// Twitch signs id, timestamp and body without anything in between.
#[test]
fn a23_an_id_cannot_grow_or_shrink_into_the_timestamp_behind_it() {
    let scheme = Scheme::hmac("acme", Hash::Sha256)
        .with_content([Part::EventId, Part::Timestamp, Part::Body])
        .with_signature(Source::header("x-signature"), Grammar::Plain)
        .with_timestamp(TimestampRule::rfc3339(Source::header("x-time")))
        .with_event_id([Source::header("x-id")]);
    let verifier = verifier(&scheme);
    let sign = |id: &str, body: &str| {
        signer(&scheme)
            .with_event_id(id)
            .sign("/hook", body.to_owned())
    };
    for id in [
        "a",
        "2023",
        "2023-",
        "2023-11-14",
        "1-2023-11-1",
        "T2023-11-14",
        "20231114T",
    ] {
        for body in ["{}", "0{}", "2023-11-14T22:13:20Z", "-11-14T22:13:20Z"] {
            let request = sign(id, body);
            assert!(accepts(&verifier, &request), "{id}");
            let time = request.headers()["x-time"].clone();
            let content = [id.as_bytes(), time.as_bytes(), body.as_bytes()].concat();
            for start in 0..=content.len() {
                for end in start..=content.len() {
                    let mut shifted = request.clone();
                    let pieces = (
                        HeaderValue::from_bytes(&content[..start]),
                        HeaderValue::from_bytes(&content[start..end]),
                    );
                    let (Ok(other_id), Ok(other_time)) = pieces else {
                        continue;
                    };
                    shifted.headers_mut().insert("x-id", other_id);
                    shifted.headers_mut().insert("x-time", other_time);
                    *shifted.body_mut() = Bytes::copy_from_slice(&content[end..]);
                    let genuine = (start, end) == (id.len(), id.len() + time.len());
                    let what = String::from_utf8_lossy(&content[start..end]);
                    assert_eq!(accepts(&verifier, &shifted), genuine, "{id} {what}");
                }
            }
        }
    }
    for id in [
        "2023-11-14T22:13:20Z",
        "0000-00-00 ",
        "x0000-00-00t0",
        "a2023-11-14T22:13:20Zb",
    ] {
        let (parts, body) = sign(id, "{}").into_parts();
        let refused = verifier.verify(&parts, &body, NOW).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::MalformedSignedValue, "{id}");
    }
}

#[test]
fn a23_nothing_but_a_literal_or_rfc_3339_ends_a_signed_id() {
    let scheme = |rule, content: &[Part]| {
        Scheme::hmac("acme", Hash::Sha256)
            .with_content(content)
            .with_signature(Source::header("x-signature"), Grammar::Plain)
            .with_timestamp(rule)
            .with_event_id([Source::header("x-id")])
    };
    let time = || Source::header("x-time");
    let builds = |rule, content: &[Part]| Verifier::new(scheme(rule, content), SECRET).is_ok();
    let id_first = [Part::EventId, Part::Timestamp, Part::Body];
    assert!(builds(TimestampRule::rfc3339(time()), &id_first));
    for rule in [
        TimestampRule::seconds(time()),
        TimestampRule::millis(time()),
        TimestampRule::rfc3339_assume_utc(time()),
    ] {
        assert!(!builds(rule, &id_first));
    }
    for content in [
        &[Part::Timestamp, Part::EventId, Part::Body][..],
        &[Part::Timestamp, Part::Body, Part::EventId],
        &[
            Part::EventId,
            Part::literal(""),
            Part::Timestamp,
            Part::Body,
        ],
    ] {
        assert!(!builds(TimestampRule::rfc3339(time()), content));
    }
}
