//! Verification by protocols in code against the bare check of aws-lc-rs.

use aws_lc_rs::signature::{
    ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::request::Parts;
use sha2::{Digest, Sha256};
use tower_webhook::provider::http_signature::HttpSignature;
use tower_webhook::provider::{aws_sns, paypal};
use tower_webhook::signature::{Grammar, PublicKeyAlgorithm, Scheme, Source};
use tower_webhook::testing::Signer;
use tower_webhook::{Secret, Timestamp, Verifier};

use crate::turns::{case, measure};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const SIZE: usize = 1024;
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:topic";

/// Signs any content, and knows the public key.
struct Key {
    signer: Signer,
    algorithm: &'static dyn VerificationAlgorithm,
}

impl Key {
    fn new(
        kind: PublicKeyAlgorithm,
        algorithm: &'static dyn VerificationAlgorithm,
        pem: &'static str,
    ) -> Self {
        let scheme = Scheme::public_key("signer", kind)
            .with_signature(Source::header("signature"), Grammar::Plain);
        let signer = Signer::new(scheme, pem).unwrap();
        Self { signer, algorithm }
    }

    /// In base64.
    fn sign(&self, content: &str) -> String {
        let signed = self.signer.sign("/", content.to_owned());
        signed.headers()["signature"].to_str().unwrap().to_owned()
    }
}

pub fn run() {
    let rsa = Key::new(
        PublicKeyAlgorithm::RsaPkcs1Sha256,
        &RSA_PKCS1_2048_8192_SHA256,
        include_str!("../../tests/keys/rsa_1.pem"),
    );
    let ed25519 = Key::new(
        PublicKeyAlgorithm::Ed25519,
        &ED25519,
        include_str!("../../tests/keys/ed25519_1.pem"),
    );
    println!("\nverification of 1 KiB by a protocol ÷ the bare check (aws-lc-rs 1.19)\n");
    println!("| protocol | bare check | verification |\n|---|---:|---:|");
    let (parts, body, content) = sns(&rsa);
    row("Amazon SNS", &rsa, aws_sns(TOPIC), &parts, &body, &content);
    let (parts, body, content) = paypals(&rsa);
    row("PayPal", &rsa, paypal("WEBHOOKID"), &parts, &body, &content);
    let (parts, body, content) = rfc_9421(&ed25519);
    let scheme = HttpSignature::ed25519().into();
    row(
        "RFC 9421, Ed25519",
        &ed25519,
        scheme,
        &parts,
        &body,
        &content,
    );
}

fn row(name: &str, key: &Key, scheme: Scheme, parts: &Parts, body: &str, content: &str) {
    let bare = ParsedPublicKey::new(key.algorithm, key.signer.public_key_der()).unwrap();
    let signature = STANDARD.decode(key.sign(content)).unwrap();
    let secret = Secret::from_bytes(key.signer.public_key_der());
    let verifier = Verifier::new(scheme, secret).unwrap();
    let mut cases = [
        case(|| bare.verify_sig(content.as_bytes(), &signature).unwrap()),
        case(|| {
            let verified = verifier.verify(parts, body.as_bytes(), NOW);
            verified.unwrap().timestamp()
        }),
    ];
    let times = measure(&mut cases, None);
    println!(
        "| {name} | {:.1} µs | {:.3}× |",
        times.nanos(0) / 1000.0,
        times.ratio(1, 0)
    );
}

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::post("/hook?a=1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn sns(key: &Key) -> (Parts, String, String) {
    let text = "x".repeat(SIZE);
    let content = format!(
        "Message\n{text}\nMessageId\nm-1\nTimestamp\n2023-11-14T22:13:20.000Z\n\
         TopicArn\n{TOPIC}\nType\nNotification\n"
    );
    let signature = key.sign(&content);
    let body = format!(
        r#"{{"Type":"Notification","MessageId":"m-1","TopicArn":"{TOPIC}","Message":"{text}","Timestamp":"2023-11-14T22:13:20.000Z","SignatureVersion":"2","Signature":"{signature}","SigningCertURL":"https://sns.us-east-1.amazonaws.com/a.pem"}}"#
    );
    (parts(&[]), body, content)
}

fn paypals(key: &Key) -> (Parts, String, String) {
    let body = format!(r#"{{"id":"WH-1","x":"{}"}}"#, "x".repeat(SIZE - 20));
    let checksum = crc32fast::hash(body.as_bytes());
    let content = format!("tid-1|2023-11-14T22:13:20Z|WEBHOOKID|{checksum}");
    let parts = parts(&[
        ("paypal-transmission-id", "tid-1"),
        ("paypal-transmission-time", "2023-11-14T22:13:20Z"),
        (
            "paypal-cert-url",
            "https://api.paypal.com/v1/notifications/certs/CERT-1",
        ),
        ("paypal-auth-algo", "SHA256withRSA"),
        ("paypal-transmission-sig", &key.sign(&content)),
    ]);
    (parts, body, content)
}

fn rfc_9421(key: &Key) -> (Parts, String, String) {
    let body = "x".repeat(SIZE);
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body)));
    let list = r#"("@method" "@path" "@query" "content-digest");created=1700000000;keyid="acme""#;
    let content = format!(
        "\"@method\": POST\n\"@path\": /hook\n\"@query\": ?a=1\n\"content-digest\": {digest}\n\
         \"@signature-params\": {list}"
    );
    let parts = parts(&[
        ("content-digest", &digest),
        ("signature-input", &format!("sig={list}")),
        ("signature", &format!("sig=:{}:", key.sign(&content))),
    ]);
    (parts, body, content)
}
