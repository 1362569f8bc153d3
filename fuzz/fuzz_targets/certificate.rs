//! Certificates, and the URLs that requests name them by: no URL is looked up
//! but those that a second reading of the rules allows, and only what was signed
//! by the key of a certificate that may sign is accepted.

#![no_main]

use std::sync::{Arc, Mutex};

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tower_webhook::Timestamp;
use tower_webhook::keys::{AsyncVerifier, KeyFuture, KeyResolver};
use tower_webhook::provider::{self, PayPal};
use tower_webhook::signature::{KeyName, PublicKey, Scheme};
use tower_webhook_fuzz::body::block_on;
use tower_webhook_fuzz::certificates::{CERTIFICATES, Chain, crc32, sign};
use tower_webhook_fuzz::oracle::NOW;
use tower_webhook_fuzz::{json, time};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";
const SNS_HOST: &str = "https://sns.us-east-1.amazonaws.com/";
const PAYPAL_CERTIFICATES: &str = "https://api.paypal.com/v1/notifications/certs/";
const WEBHOOK: &str = "WEBHOOKID";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// SNS, PayPal, or a certificate alone.
    kind: u8,
    certificate: u8,
    /// A bit of the certificate to flip, if any.
    bit: Option<u16>,
    /// Whether the message is changed after it was signed.
    tampered: bool,
    late: i32,
    /// Fields on lines of their own, and what is left.
    text: &'a [u8],
}

fuzz_target!(|input: Input<'_>| match input.kind % 3 {
    0 => input.sns(),
    1 => input.paypal(),
    _ => alone(input.text),
});

/// Gives the chain for whatever it is asked, and remembers what that was.
#[derive(Debug)]
struct Resolver {
    chain: Vec<Vec<u8>>,
    asked: Mutex<Vec<KeyName>>,
}

impl KeyResolver for Resolver {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        self.asked.lock().expect("no panic").push(name.clone());
        let key = PublicKey::from_certificates(self.chain.clone()).ok();
        Box::pin(async { Ok(key) })
    }
}

impl Input<'_> {
    fn chain(&self) -> (&'static Chain, Vec<Vec<u8>>) {
        let chains = &CERTIFICATES.chains;
        let chain = &chains[usize::from(self.certificate) % chains.len()];
        let mut der = chain.der.clone();
        if let Some(bit) = self.bit {
            let at = usize::from(bit / 8) % der[0].len();
            der[0][at] ^= 1 << (bit % 8);
        }
        (chain, der)
    }

    /// Whether the request is accepted, and the URLs that were asked for.
    fn verdict(&self, scheme: Scheme, parts: &Parts, body: &str) -> (bool, Vec<String>) {
        let resolver = Arc::new(Resolver {
            chain: self.chain().1,
            asked: Mutex::default(),
        });
        let verifier = AsyncVerifier::with_keys(scheme, resolver.clone()).expect("a scheme");
        let now = Timestamp::from_unix_millis(self.now());
        let body = Bytes::copy_from_slice(body.as_bytes());
        let verdict = block_on(async { Ok(verifier.verify(parts, body, now).await) });
        let asked = resolver.asked.lock().expect("no panic").clone();
        let urls = asked.into_iter().map(|name| match name {
            KeyName::Url(url) => url,
            other => panic!("{other:?}"),
        });
        (verdict.is_ok(), urls.collect())
    }

    fn now(&self) -> i64 {
        NOW + i64::from(self.late % 400_000) * 1000
    }

    fn lines<const N: usize>(&self) -> Option<[&str; N]> {
        let text = str::from_utf8(self.text).ok()?;
        let lines: Vec<&str> = text.splitn(N, '\n').collect();
        lines.try_into().ok()
    }

    /// Where a bit of the certificate is wrong, the key may be all that counts
    /// of it still: AWS's is not judged by its issuer.
    fn compare(&self, accepted: bool, expected: bool, is_chain_judged: bool) {
        match self.bit {
            None => assert_eq!(accepted, expected, "{self:?}"),
            Some(_) if is_chain_judged => assert!(!accepted, "{self:?}"),
            Some(_) => {}
        }
    }

    fn sns(&self) {
        let Some([url, subscribe, kind, subject, id, topic, version, text]) = self.lines() else {
            return;
        };
        let sent = Timestamp::from_unix_millis(NOW).to_string();
        let topic = if topic.is_empty() { TOPIC } else { topic };
        let mut message = Map::new();
        let mut set = |name: &str, value: &str| {
            message.insert(name.to_owned(), json!(value));
        };
        set("Type", kind);
        set("MessageId", id);
        set("TopicArn", topic);
        set("Timestamp", &sent);
        set("Message", text);
        set(
            "SignatureVersion",
            if version.is_empty() { "2" } else { version },
        );
        set("SigningCertURL", url);
        if !subject.is_empty() {
            set("Subject", subject);
        }
        if !subscribe.is_empty() {
            set("SubscribeURL", subscribe);
            set("Token", "0123");
        }
        let signature = sign(&sns_content(&message));
        let genuine = message.clone();
        message.insert("Signature".to_owned(), json!(signature));
        if self.tampered {
            message.insert("Message".to_owned(), json!(format!("{text}!")));
        }
        let body = Value::Object(message.clone()).to_string();
        assert!(json::parse(body.as_bytes()).is_some());
        let (parts, ()) = Request::post("/sns")
            .body(())
            .expect("a request")
            .into_parts();
        let (accepted, asked) = self.verdict(provider::aws_sns(TOPIC), &parts, &body);

        let rest = url
            .strip_prefix(SNS_HOST)
            .and_then(|rest| rest.strip_suffix(".pem"));
        let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_certificate = rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(named));
        for asked in &asked {
            assert!(asked == url && is_certificate, "{asked}");
        }
        let single = [kind, id, topic, subject, subscribe];
        let confirms = kind != "Notification";
        let api = subscribe
            .strip_prefix(SNS_HOST)
            .and_then(|rest| rest.strip_prefix('?'));
        let printable = |c: char| c.is_ascii_graphic() && c != '#';
        let is_api = api.is_some_and(|query| query.chars().all(printable));
        let late = (self.now() - NOW) / 1000;
        let expected = is_certificate
            && self.chain().0.sns
            && topic == TOPIC
            && message["SignatureVersion"] == "2"
            && [
                "Notification",
                "SubscriptionConfirmation",
                "UnsubscribeConfirmation",
            ]
            .contains(&kind)
            && !single.iter().any(|text| text.chars().any(char::is_control))
            && (is_api || !confirms)
            && (-5 * 60..=75 * 60).contains(&late)
            && sns_content(&genuine) == sns_content(&message);
        self.compare(accepted, expected, false);
    }

    fn paypal(&self) {
        let Some([url, id, algorithm, sent, text]) = self.lines() else {
            return;
        };
        let algorithm = if algorithm.is_empty() {
            "SHA256withRSA"
        } else {
            algorithm
        };
        let written = Timestamp::from_unix_millis(NOW).to_string();
        let sent = if sent.is_empty() { &written } else { sent };
        let content = |body: &str| format!("{id}|{sent}|{WEBHOOK}|{}", crc32(body.as_bytes()));
        let signature = sign(&content(text));
        let mut request = Request::post("/paypal");
        for (name, value) in [
            ("paypal-transmission-id", id),
            ("paypal-transmission-time", sent),
            ("paypal-cert-url", url),
            ("paypal-auth-algo", algorithm),
            ("paypal-transmission-sig", &signature),
        ] {
            let Ok(value) = HeaderValue::from_str(value) else {
                return;
            };
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let body = match self.tampered {
            true => format!("{text}!"),
            false => text.to_owned(),
        };
        let roots = CERTIFICATES.root.as_bytes();
        let scheme = PayPal::new(WEBHOOK).with_roots_pem(roots).expect("a root");
        let (accepted, asked) = self.verdict(scheme.into(), &parts, &body);

        let name = url.strip_prefix(PAYPAL_CERTIFICATES);
        let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_certificate = name.is_some_and(|name| !name.is_empty() && name.chars().all(named));
        for asked in &asked {
            assert!(asked == url && is_certificate, "{asked}");
        }
        let fresh = time::rfc3339(sent.as_bytes()).is_some_and(|sent| {
            let late = i128::from(self.now()) - sent;
            (-5 * 60_000..=73 * 3_600_000).contains(&late)
        });
        let usable = !id.is_empty()
            && id
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'|');
        let expected = is_certificate
            && self.chain().0.paypal
            && algorithm == "SHA256withRSA"
            && usable
            && fresh
            && content(&body) == content(text);
        self.compare(accepted, expected, true);
    }
}

/// The lines that are signed, as AWS's page lists them.
fn sns_content(message: &Map<String, Value>) -> String {
    let names = match message["Type"] == "Notification" {
        true => &[
            "Message",
            "MessageId",
            "Subject",
            "Timestamp",
            "TopicArn",
            "Type",
        ][..],
        false => &[
            "Message",
            "MessageId",
            "SubscribeURL",
            "Timestamp",
            "Token",
            "TopicArn",
            "Type",
        ],
    };
    let present = names
        .iter()
        .filter_map(|name| Some((name, message.get(*name)?.as_str()?)));
    present
        .map(|(name, value)| format!("{name}\n{value}\n"))
        .collect()
}

/// Bytes that somebody says are certificates.
fn alone(bytes: &[u8]) {
    let first = PublicKey::from_certificate_pem(bytes);
    if let Ok(key) = &first {
        let certificates: Vec<&[u8]> = key.certificates().collect();
        assert!((1..=8).contains(&certificates.len()));
        let spki = key.as_bytes();
        assert!(
            certificates[0]
                .windows(spki.len())
                .any(|window| window == spki)
        );
        let count = bytes
            .windows(27)
            .filter(|window| *window == b"-----BEGIN CERTIFICATE-----");
        assert!(count.count() >= certificates.len());
    }
    let halves = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    if let Ok(key) = PublicKey::from_certificates(halves) {
        assert!((1..=8).contains(&key.certificates().count()));
    }
    if let Ok(key) = PublicKey::from_certificates([bytes.to_vec()]) {
        let spki = key.as_bytes();
        assert!(bytes.windows(spki.len()).any(|window| window == spki));
    }
    let _ = PayPal::new(WEBHOOK).with_roots_pem(bytes);
    let _ = PublicKey::from_pem(&String::from_utf8_lossy(bytes));
}
