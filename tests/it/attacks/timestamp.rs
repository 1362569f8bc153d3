//! B4, B5: the text of a timestamp.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request};
use tower_webhook::provider;
use tower_webhook::{RejectionKind, Secret, Verifier};

use crate::support::forge::mac;
use crate::support::route::Route;
use crate::support::{BODY, NOW, schemes, signer, verifier};

const KEY: &[u8] = b"0123456789abcdef";

/// A request that is genuine but for the text of its timestamp, which is
/// signed as it is.
fn with_timestamp(provider: &str, timestamp: &[u8]) -> Option<Request<Bytes>> {
    let joined = |parts: &[&[u8]]| mac(KEY, &parts.concat());
    let value = |parts: &[&[u8]]| HeaderValue::from_bytes(&parts.concat()).ok();
    let body = BODY.as_bytes();
    let mut request = Request::post("/hook");
    let headers = request.headers_mut()?;
    match provider {
        "stripe" => {
            let text = hex::encode(joined(&[timestamp, b".", body]));
            let value = value(&[b"t=", timestamp, b",v1=", text.as_bytes()])?;
            headers.insert("stripe-signature", value);
        }
        "slack" => {
            let text = hex::encode(joined(&[b"v0:", timestamp, b":", body]));
            headers.insert("x-slack-request-timestamp", value(&[timestamp])?);
            headers.insert("x-slack-signature", format!("v0={text}").parse().ok()?);
        }
        "standard_webhooks" => {
            let text = STANDARD.encode(joined(&[b"a.", timestamp, b".", body]));
            headers.insert("webhook-id", HeaderValue::from_static("a"));
            headers.insert("webhook-timestamp", value(&[timestamp])?);
            headers.insert("webhook-signature", format!("v1,{text}").parse().ok()?);
        }
        "box" => {
            let text = STANDARD.encode(joined(&[body, timestamp]));
            headers.insert("box-delivery-id", HeaderValue::from_static("a"));
            headers.insert("box-signature-version", HeaderValue::from_static("1"));
            let algorithm = HeaderValue::from_static("HmacSHA256");
            headers.insert("box-signature-algorithm", algorithm);
            headers.insert("box-delivery-timestamp", value(&[timestamp])?);
            headers.insert("box-signature-primary", text.parse().ok()?);
        }
        other => panic!("{other}"),
    }
    Some(request.body(Bytes::copy_from_slice(body)).unwrap())
}

fn route_with_key(provider: &str) -> Route {
    let scheme = schemes().find(|scheme| scheme.name() == provider).unwrap();
    Route::new(Verifier::new(scheme, Secret::from_bytes(KEY)).unwrap())
}

#[tokio::test]
async fn b4_a_timestamp_is_digits_and_nothing_else() {
    let now = NOW.unix_seconds().to_string();
    for provider in ["stripe", "slack", "standard_webhooks"] {
        let route = route_with_key(provider);
        let mut texts: Vec<Vec<u8>> = [
            "",
            "-1",
            "+1",
            "1 1",
            "1e9",
            "0x1",
            "NaN",
            "inf",
            "null",
            "1.5",
            "1_700_000_000",
            "99999999999999999999",
            "-9223372036854775808",
            "9223372036854775807",
            "18446744073709551615",
            "٣٣",
            "１７",
            "999999999999999999",
            "0",
            "\u{660}",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec();
        texts.extend(
            [
                format!("-{now}"),
                format!("+{now}"),
                format!("{now}.0"),
                format!("{now},"),
                format!("{now}e0"),
                format!("{now}\u{0661}"),
                format!("0x{:x}", NOW.unix_seconds()),
                "0".repeat(20) + &now,
                "9".repeat(10_000),
            ]
            .map(String::into_bytes),
        );
        texts.push(vec![0xff; 10]);
        for text in texts {
            let Some(request) = with_timestamp(provider, &text) else {
                continue;
            };
            let what = format!("{provider} {:?}", String::from_utf8_lossy(&text));
            route.refuses(request, what).await;
        }
        let request = with_timestamp(provider, now.as_bytes()).unwrap();
        route.accepts(request, provider).await;
    }
}

#[tokio::test]
async fn b4_an_rfc_3339_timestamp_is_read_strictly() {
    let route = route_with_key("box");
    for text in [
        "",
        "1700000000",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14 22:13",
        "12023-11-14T22:13:20Z",
        "+2023-11-14T22:13:20Z",
        "-2023-11-14T22:13:20Z",
        " 2023-11-14T22:13:20Zx",
        "2023-11-14T22:13:20Z2023-11-14T22:13:20Z",
        "2023-13-14T22:13:20Z",
        "2023-11-31T22:13:20Z",
        "2023-11-14T24:13:20Z",
        "2023-11-14T22:13:20+25:00",
        "2023-11-14T22:13:20.Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "Tue, 14 Nov 2023 22:13:20 GMT",
    ] {
        let request = with_timestamp("box", text.as_bytes()).unwrap();
        route.refuses(request, text).await;
    }
    for text in ["2023-11-14T22:13:20Z", "2023-11-14T15:13:20.999-07:00"] {
        let request = with_timestamp("box", text.as_bytes()).unwrap();
        route_with_key("box").accepts(request, text).await;
    }
}

#[tokio::test]
async fn b4_a_timestamp_in_the_body_is_one_number() {
    let scheme = provider::linear();
    let route = Route::new(verifier(&scheme));
    for body in [
        "",
        "{}",
        "[]",
        "not json",
        r#"{"webhookTimestamp":null}"#,
        r#"{"webhookTimestamp":-1}"#,
        r#"{"webhookTimestamp":1.7e12}"#,
        r#"{"webhookTimestamp":1700000000000.0}"#,
        r#"{"webhookTimestamp":"+1700000000000"}"#,
        r#"{"webhookTimestamp":[1700000000000]}"#,
        r#"{"webhookTimestamp":{"a":1700000000000}}"#,
        r#"{"webhookTimestamp":true}"#,
        r#"{"webhookTimestamp":99999999999999999999}"#,
        r#"{"data":{"webhookTimestamp":1700000000000}}"#,
        r#"{"webhookTimestamp":1,"webhookTimestamp":1700000000000}"#,
        r#"{"webhookTimestamp":1700000000000,"webhookTimestamp":1700000000000}"#,
        r#"{"webhookTimestamp":1700000000000} {}"#,
        r#"{"webhookTimestamp":1700000000000"#,
    ] {
        let request = signer(&scheme).sign("/hook", body);
        route.refuses(request, body).await;
    }
    let odd = r#"{"webhook\u0054imestamp":"1700000000000"}"#;
    route.accepts(signer(&scheme).sign("/hook", odd), odd).await;
}

#[tokio::test]
async fn b5_seconds_and_milliseconds_are_not_confused() {
    let millis = NOW.unix_millis().to_string();
    for provider in ["stripe", "slack", "standard_webhooks"] {
        let request = with_timestamp(provider, millis.as_bytes()).unwrap();
        let kind = route_with_key(provider).refuses(request, provider).await;
        assert_eq!(kind, RejectionKind::TimestampInFuture);
    }
    let scheme = provider::linear();
    let body = BODY.replace("1700000000000", "1700000000");
    let request = signer(&scheme).sign("/hook", body);
    let kind = Route::new(verifier(&scheme))
        .refuses(request, "linear")
        .await;
    assert_eq!(kind, RejectionKind::TimestampTooOld);
}
