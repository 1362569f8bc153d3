//! Amazon SNS: what is refused, and before what.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tower_webhook::handshake::{ConfirmFuture, ConfirmSubscription, Subscription};
use tower_webhook::keys::AsyncVerifier;
use tower_webhook::provider::{AwsSns, aws_sns};
use tower_webhook::signature::{Coverage, Scheme};
use tower_webhook::{ConfigError, RejectionKind, Verifier};

use super::certificates::{Fetcher, Made, sign};
use crate::support::NOW;
use crate::support::route::Route;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const URL: &str = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem";

/// A message, signed over what is in it.
fn signed(mut message: Value) -> Value {
    let names: &[&str] = match message["Type"].as_str() {
        Some("Notification") => &[
            "Message",
            "MessageId",
            "Subject",
            "Timestamp",
            "TopicArn",
            "Type",
        ],
        _ => &[
            "Message",
            "MessageId",
            "SubscribeURL",
            "Timestamp",
            "Token",
            "TopicArn",
            "Type",
        ],
    };
    let lines: String = names
        .iter()
        .filter_map(|name| Some(format!("{name}\n{}\n", message[name].as_str()?)))
        .collect();
    message["Signature"] = sign(&lines).into();
    message
}

fn notification() -> Value {
    signed(json!({
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Subject": "orders",
        "Message": "first line\nsecond line",
        "Timestamp": "2023-11-14T22:13:20.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": URL,
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
    }))
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut message = notification();
    message[name] = value.into();
    message
}

fn request(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("/sns")
        .header("content-type", "text/plain; charset=UTF-8")
        .body(body.into())
        .unwrap()
}

fn sent(message: &Value) -> Request<Bytes> {
    request(message.to_string())
}

fn fetcher() -> Arc<Fetcher> {
    Fetcher::new(Made::named("sns.amazonaws.com").self_signed())
}

fn verifier(scheme: Scheme, fetcher: &Arc<Fetcher>) -> AsyncVerifier {
    AsyncVerifier::with_keys(scheme, fetcher.clone()).unwrap()
}

/// Refused, without a look at any certificate.
async fn refused(request: Request<Bytes>, what: &str) -> RejectionKind {
    let fetcher = fetcher();
    let route = Route::new(verifier(aws_sns(TOPIC), &fetcher));
    let kind = route.refuses(request, what).await;
    assert_eq!(fetcher.fetches(), 0, "{what}: a certificate was fetched");
    kind
}

#[tokio::test]
async fn a_notification_is_processed_once() {
    let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
    route.accepts(sent(&notification()), "genuine").await;
    route.recognises(sent(&notification()), "again").await;
    // What is not signed may change, and does not make it another message.
    let mut changed = with("MessageAttributes", json!({"admin": {"Value": "yes"}}));
    changed["UnsubscribeURL"] = "https://evil.test/".into();
    route.recognises(sent(&changed), "unsigned members").await;
    assert_eq!(aws_sns(TOPIC).coverage(), Coverage::Values);
}

#[tokio::test]
async fn a19_every_signed_member_is_signed() {
    for name in ["Message", "MessageId", "Subject", "Timestamp"] {
        let value = match name {
            "Timestamp" => "2023-11-14T22:13:21.000Z",
            _ => "another",
        };
        let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
        let kind = route.refuses(sent(&with(name, value)), name).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{name}");
    }
    for name in ["Subject"] {
        let mut message = notification();
        message.as_object_mut().unwrap().remove(name);
        let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
        let kind = route.refuses(sent(&message), name).await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{name}");
    }
}

/// The signed lines do not say where a value ends. A message that holds such
/// lines itself could be cut elsewhere, into a message with another id.
#[tokio::test]
async fn a20_signed_lines_are_not_cut_into_other_members() {
    let genuine = signed(json!({
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": "pay\nMessageId\nm-2\nSubject\nnothing",
        "Timestamp": "2023-11-14T22:13:20.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": URL,
    }));
    let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
    route.accepts(sent(&genuine), "genuine").await;
    let mut cut = genuine.clone();
    cut["Message"] = "pay".into();
    cut["MessageId"] = "m-2".into();
    cut["Subject"] = "nothing\nMessageId\nm-1".into();
    let kind = route.refuses(sent(&cut), "cut elsewhere").await;
    assert_eq!(kind, RejectionKind::MalformedSignedValue);
    for name in ["MessageId", "TopicArn", "Timestamp", "Type"] {
        let kind = refused(sent(&with(name, "a\nb")), name).await;
        assert_eq!(kind, RejectionKind::MalformedSignedValue, "{name}");
    }
}

#[tokio::test]
async fn a15_sha_1_is_taken_only_where_it_was_chosen() {
    for version in [json!("1"), json!("3"), json!(""), json!("2 "), json!(null)] {
        let kind = refused(sent(&with("SignatureVersion", version.clone())), "version").await;
        assert_eq!(kind, RejectionKind::UnexpectedValue, "{version}");
    }
    // As a number it is not what SNS sends.
    let kind = refused(sent(&with("SignatureVersion", 2)), "version").await;
    assert_eq!(kind, RejectionKind::MalformedBody);
    // The version decides on the hash: a signature of one is none of the other.
    let both = AwsSns::new(TOPIC).with_signature_version_1().into();
    let route = Route::new(verifier(both, &fetcher()));
    let kind = route
        .refuses(sent(&with("SignatureVersion", "1")), "1")
        .await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
}

#[tokio::test]
async fn a16_no_certificate_is_fetched_from_elsewhere() {
    for url in [
        "",
        "https://evil.test/a.pem",
        "http://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.evil.test/a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.test/a.pem",
        "https://SNS.US-EAST-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com./a.pem",
        "https://sns.us-east-1.amazonaws.com:444/a.pem",
        "https://sns.us-east-1.amazonaws.com/../a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem",
        "https://10.0.0.1/a.pem",
        "https://[::1]/a.pem",
    ] {
        let kind = refused(sent(&with("SigningCertURL", url)), url).await;
        assert_eq!(kind, RejectionKind::UnknownKey, "{url}");
    }
    // The old spelling of the name is not another way in.
    let mut message = with("SigningCertUrl", URL);
    message.as_object_mut().unwrap().remove("SigningCertURL");
    let kind = refused(sent(&message), "SigningCertUrl").await;
    assert_eq!(kind, RejectionKind::UnknownKey);
}

#[tokio::test]
async fn topics_of_others_are_refused() {
    for topic in [
        "arn:aws:sns:us-east-1:123456789013:orders",
        "arn:aws:sns:us-east-1:123456789012:Orders",
        "arn:aws:sns:us-east-1:123456789012:orders ",
        "",
    ] {
        let mut message = notification();
        message["TopicArn"] = topic.into();
        let kind = refused(sent(&signed(message)), topic).await;
        assert_eq!(kind, RejectionKind::UnexpectedValue, "{topic}");
    }
}

#[tokio::test]
async fn raw_delivery_is_refused_before_the_body() {
    let mut raw = sent(&notification());
    raw.headers_mut()
        .insert("x-amz-sns-rawdelivery", "true".parse().unwrap());
    let kind = refused(raw, "raw").await;
    assert_eq!(kind, RejectionKind::MissingSignature);
}

#[tokio::test]
async fn confirmations_are_signed_with_their_url_and_token() {
    let confirmation = |kind: &str, url: &str| {
        signed(json!({
            "Type": kind,
            "MessageId": "m-2",
            "Token": "t",
            "TopicArn": TOPIC,
            "Message": "You have chosen",
            "SubscribeURL": url,
            "Timestamp": "2023-11-14T22:13:20.000Z",
            "SignatureVersion": "2",
            "SigningCertURL": URL,
        }))
    };
    let url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";
    for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        let genuine = confirmation(kind, url);
        let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
        route.accepts(sent(&genuine), kind).await;
        for name in ["Token", "SubscribeURL"] {
            let mut changed = genuine.clone();
            changed[name] = format!("{}0", changed[name].as_str().unwrap()).into();
            let refusal = route.refuses(sent(&changed), name).await;
            assert_eq!(refusal, RejectionKind::SignatureMismatch, "{kind} {name}");
            changed.as_object_mut().unwrap().remove(name);
            route.refuses(sent(&changed), name).await;
        }
        let elsewhere = confirmation(kind, "https://evil.test/?Action=ConfirmSubscription");
        let refusal = refused(sent(&elsewhere), kind).await;
        assert_eq!(refusal, RejectionKind::UnexpectedValue);
    }
    // A notification is not a confirmation by another name.
    let kind = refused(sent(&with("Type", "Confirmation")), "type").await;
    assert_eq!(kind, RejectionKind::UnexpectedValue);
}

/// Calls nobody, and remembers whom it would have called.
#[derive(Debug, Default)]
struct Confirming(Mutex<Vec<Option<String>>>);

impl ConfirmSubscription for Confirming {
    fn confirm<'a>(&'a self, subscription: Subscription<'a>) -> ConfirmFuture<'a> {
        let url = AwsSns::subscribe_url(subscription.delivery());
        self.0.lock().unwrap().push(url);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_subscription_is_confirmed_once_it_is_verified() {
    let url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";
    let genuine = signed(json!({
        "Type": "SubscriptionConfirmation",
        "MessageId": "m-2",
        "Token": "t",
        "TopicArn": TOPIC,
        "Message": "You have chosen",
        "SubscribeURL": url,
        "Timestamp": "2023-11-14T22:13:20.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": URL,
    }));
    let confirming = Arc::new(Confirming::default());
    let route = Route::with(verifier(aws_sns(TOPIC), &fetcher()), |layer| {
        layer.with_confirmation(confirming.clone())
    });
    let mut forged = genuine.clone();
    forged["Token"] = "u".into();
    route.refuses(sent(&forged), "forged").await;
    assert!(confirming.0.lock().unwrap().is_empty());
    let answer = route.send(sent(&genuine)).await;
    assert_eq!((answer.status.as_u16(), route.calls.get()), (200, 0));
    route.accepts(sent(&notification()), "a notification").await;
    assert_eq!(*confirming.0.lock().unwrap(), [Some(url.to_owned())]);
}

#[tokio::test]
async fn messages_are_fresh_for_as_long_as_sns_retries() {
    for (sent_at, expected) in [
        ("2023-11-14T20:58:20.000Z", None),
        (
            "2023-11-14T20:58:19.999Z",
            Some(RejectionKind::TimestampTooOld),
        ),
        ("2023-11-14T22:18:20.000Z", None),
        (
            "2023-11-14T22:18:20.001Z",
            Some(RejectionKind::TimestampInFuture),
        ),
        ("1700000000", Some(RejectionKind::MalformedTimestamp)),
        ("", Some(RejectionKind::MalformedTimestamp)),
    ] {
        let mut message = notification();
        message["Timestamp"] = sent_at.into();
        let message = signed(message);
        match expected {
            None => {
                let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
                route.accepts(sent(&message), sent_at).await;
            }
            Some(kind) => assert_eq!(refused(sent(&message), sent_at).await, kind),
        }
    }
    let window = aws_sns(TOPIC).freshness_window();
    assert_eq!(window, Duration::from_secs(80 * 60));
}

#[tokio::test]
async fn f17_f18_f19_what_two_parsers_read_differently_is_refused() {
    let text = notification().to_string();
    let repeated = |name: &str| text.replacen('{', &format!("{{\"{name}\":\"x\","), 1);
    for name in [
        "Type",
        "MessageId",
        "TopicArn",
        "Timestamp",
        "Message",
        "Subject",
        "SignatureVersion",
        "SigningCertURL",
        "Signature",
        "\\u004dessage",
    ] {
        let kind = refused(request(repeated(name)), name).await;
        assert_eq!(kind, RejectionKind::MalformedBody, "{name}");
    }
    let deep = text.replacen("\"orders\"", &"[".repeat(100_000), 1);
    let lossy = text.replacen("first", "\u{fffd}", 1).into_bytes();
    let broken: Vec<u8> = lossy
        .windows(1)
        .flatten()
        .copied()
        .filter(|byte| *byte != 0xbf)
        .collect();
    for body in [
        Vec::new(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"Type=Notification".to_vec(),
        format!("{text}{text}").into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        text.replacen("first", "\\ud800", 1).into_bytes(),
        deep.into_bytes(),
        broken,
    ] {
        let kind = refused(request(body), "body").await;
        assert_eq!(kind, RejectionKind::MalformedBody);
    }
    // Replacing what is wrong in a text would make it another text.
    let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
    let kind = route.refuses(request(lossy), "replaced").await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);
}

#[tokio::test]
async fn a_certificate_must_be_of_sns_and_hold_now() {
    let sns = Made::named("sns.amazonaws.com");
    for (made, what) in [
        (
            Made {
                valid: (2020, 2023),
                ..sns
            },
            "expired",
        ),
        (
            Made {
                valid: (2024, 2030),
                ..sns
            },
            "not valid yet",
        ),
        (Made::named("evil.test"), "another host"),
        (Made::named("sns.amazonaws.com.evil.test"), "look-alike"),
        (
            Made::named("sns-signing.eu-west-1.amazonaws.com"),
            "another region",
        ),
        (Made::named("s3.amazonaws.com"), "another service"),
        (Made::named("*.amazonaws.com"), "every service"),
    ] {
        let fetcher = Fetcher::new(made.self_signed());
        let route = Route::new(verifier(aws_sns(TOPIC), &fetcher));
        let kind = route.refuses(sent(&notification()), what).await;
        assert_eq!(kind, RejectionKind::UntrustedKey, "{what}");
    }
    let regional = Made::named("sns-signing.us-east-1.amazonaws.com").self_signed();
    let route = Route::new(verifier(aws_sns(TOPIC), &Fetcher::new(regional)));
    route.accepts(sent(&notification()), "regional").await;
}

#[tokio::test]
async fn a8_signatures_of_the_wrong_form_are_refused() {
    for (signature, expected) in [
        (json!(null), RejectionKind::MissingSignature),
        (json!("*"), RejectionKind::MalformedSignature),
        (json!("AA"), RejectionKind::MalformedSignature),
    ] {
        let kind = refused(sent(&with("Signature", signature)), "signature").await;
        assert_eq!(kind, expected);
    }
    for signature in ["", "AA==", &"A".repeat(100_000)] {
        let route = Route::new(verifier(aws_sns(TOPIC), &fetcher()));
        let kind = route
            .refuses(sent(&with("Signature", signature)), "short")
            .await;
        assert_eq!(kind, RejectionKind::SignatureMismatch);
    }
}

#[test]
fn what_is_no_topic_is_a_configuration_error() {
    for topic in ["", "orders", "arn:aws:sns:us-east-1:123456789012"] {
        let built = AsyncVerifier::with_keys(aws_sns(topic), fetcher());
        assert!(
            matches!(built, Err(ConfigError::InvalidScheme { .. })),
            "{topic}"
        );
    }
    let never: Scheme = AwsSns::new(TOPIC).with_tolerance(Duration::ZERO).into();
    assert!(AsyncVerifier::with_keys(never, fetcher()).is_err());
}

/// A certificate fetched once and configured as a key works as well.
#[test]
fn a_configured_key_needs_no_fetching() {
    let pem = Made::named("sns.amazonaws.com").self_signed();
    let key = tower_webhook::signature::PublicKey::from_certificate_pem(pem.as_bytes()).unwrap();
    let secret = tower_webhook::Secret::from_bytes(key.as_bytes());
    let verifier = Verifier::new(aws_sns(TOPIC), secret).unwrap();
    let (parts, body) = sent(&notification()).into_parts();
    assert!(verifier.verify(&parts, &body, NOW).is_ok());
}
