//! Known answers: `aws_sns_*_v*` are from AWS's SDK for Java 2 with the
//! certificate that they name, `rfc9421_*` from RFC 9421 appendix B.2, the
//! others were made with other tools.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use tower_webhook::keys::AsyncVerifier;
use tower_webhook::provider::http_signature::HttpSignature;
use tower_webhook::provider::{AwsSns, contentful, paypal};
use tower_webhook::signature::{
    Algorithm, Coverage, Grammar, KeyName, PublicKey, PublicKeyAlgorithm, PublicUrl, Scheme,
    SecretEncoding, Source,
};
use tower_webhook::{RejectionKind, Secret, Timestamp, Verifier};

use super::certificates::Fetcher;
use crate::support::keys::other_verifying_secret;
use crate::support::vectors::read;

#[derive(Deserialize)]
struct Known {
    provider: String,
    secret: Option<String>,
    public_key: Option<String>,
    /// Whether the public key is the certificate that the request names.
    #[serde(default)]
    fetched: bool,
    topic: Option<String>,
    #[serde(default)]
    version_1: bool,
    webhook_id: Option<String>,
    algorithm: Option<String>,
    required: Option<Vec<String>>,
    public_url: Option<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    now: i64,
}

impl Known {
    fn scheme(&self) -> Scheme {
        match self.provider.as_str() {
            "contentful" => contentful(),
            "paypal" => paypal(self.webhook_id.clone().unwrap()),
            "aws-sns" => {
                let sns = AwsSns::new(self.topic.clone().unwrap());
                match self.version_1 {
                    true => sns.with_signature_version_1().into(),
                    false => sns.into(),
                }
            }
            "http_signature" => {
                let http = match self.algorithm.as_deref() {
                    Some("ed25519") => HttpSignature::ed25519(),
                    _ => HttpSignature::hmac_sha256(),
                };
                let url = PublicUrl::registered(self.public_url.clone().unwrap()).unwrap();
                let http = http.with_required(self.required.clone().unwrap());
                Scheme::from(http.without_content_digest())
                    .with_secret_encoding(SecretEncoding::Base64 { prefix: "".into() })
                    .with_public_url(url)
            }
            other => panic!("no scheme for {other}"),
        }
    }

    fn secret(&self) -> Secret {
        match (&self.secret, &self.public_key) {
            (Some(secret), _) => secret.as_str().into(),
            (None, Some(pem)) if pem.starts_with("-----") => {
                let key = PublicKey::from_certificate_pem(pem.as_bytes()).unwrap();
                Secret::from_bytes(key.as_bytes())
            }
            (None, Some(key)) => key.as_str().into(),
            (None, None) => panic!("a known answer has a secret or a public key"),
        }
    }

    fn verifier(&self) -> AsyncVerifier {
        match self.fetched {
            true => {
                let fetcher = Fetcher::new(self.public_key.clone().unwrap());
                AsyncVerifier::with_keys(self.scheme(), fetcher).unwrap()
            }
            false => Verifier::new(self.scheme(), self.secret()).unwrap().into(),
        }
    }

    fn request(&self) -> Request<Bytes> {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = STANDARD.decode(&self.body_base64).unwrap();
        request.body(body.into()).unwrap()
    }

    async fn verdict(&self, body: Option<Bytes>, at: Timestamp) -> Result<(), RejectionKind> {
        let (parts, sent) = self.request().into_parts();
        let verdict = self
            .verifier()
            .verify(&parts, body.unwrap_or(sent), at)
            .await;
        verdict.map(drop).map_err(|rejection| rejection.kind())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.now)
    }
}

fn known() -> Vec<(String, Known)> {
    let found = read("protocols");
    assert!(found.len() >= 10, "vectors are missing: {}", found.len());
    found
}

#[tokio::test]
async fn every_known_answer_is_accepted() {
    for (file, known) in known() {
        assert_eq!(known.verdict(None, known.now()).await, Ok(()), "{file}");
    }
}

#[tokio::test]
async fn no_known_answer_is_accepted_with_another_key_body_or_time() {
    for (file, known) in known() {
        let (parts, body) = known.request().into_parts();
        let secret = match known.scheme().algorithm() {
            Algorithm::PublicKey(algorithm) => {
                let scheme = Scheme::public_key("another", algorithm)
                    .with_signature(Source::header("signature"), Grammar::Plain);
                other_verifying_secret(&match algorithm {
                    PublicKeyAlgorithm::Ed25519 => scheme,
                    _ => scheme.with_secret_encoding(SecretEncoding::Pem),
                })
            }
            _ => Secret::from_bytes(*b"another"),
        };
        let verifier = Verifier::new(known.scheme(), secret).unwrap();
        let refused = verifier.verify(&parts, &body, known.now()).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::SignatureMismatch, "{file}");

        if known.scheme().coverage() == Coverage::Body {
            let tampered = Bytes::from([&body[..], b" "].concat());
            let verdict = known.verdict(Some(tampered), known.now()).await;
            assert_eq!(verdict, Err(RejectionKind::SignatureMismatch), "{file}");
        }
        let later = known.now().saturating_add(Duration::from_secs(80 * 3600));
        let verdict = known.verdict(None, later).await;
        assert_eq!(verdict, Err(RejectionKind::TimestampTooOld), "{file}");
        let earlier = known.now().saturating_sub(Duration::from_secs(600));
        let verdict = known.verdict(None, earlier).await;
        assert_eq!(verdict, Err(RejectionKind::TimestampInFuture), "{file}");
    }
}

#[tokio::test]
async fn the_certificate_that_is_fetched_is_the_one_that_is_named() {
    for (file, known) in known().into_iter().filter(|(_, known)| known.fetched) {
        let fetcher = Fetcher::new(known.public_key.clone().unwrap());
        let verifier = AsyncVerifier::with_keys(known.scheme(), fetcher.clone()).unwrap();
        let (parts, body) = known.request().into_parts();
        let verified = verifier.verify(&parts, body, known.now()).await;
        assert!(verified.is_ok(), "{file}");
        let url = "https://sns.us-west-2.amazonaws.com/\
                   SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem";
        assert_eq!(
            *fetcher.asked.lock().unwrap(),
            [KeyName::Url(url.to_owned())]
        );
    }
}

#[tokio::test]
async fn a_subscription_is_confirmed_where_its_signed_url_says() {
    for (file, known) in known().into_iter().filter(|(_, known)| known.fetched) {
        let (parts, body) = known.request().into_parts();
        let verified = known.verifier().verify(&parts, body, known.now()).await;
        let url = AwsSns::subscribe_url(&verified.unwrap());
        match file.starts_with("aws_sns_subscription") {
            true => assert!(
                url.unwrap().starts_with(
                    "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&"
                ),
                "{file}"
            ),
            false => assert_eq!(url, None, "{file}"),
        }
    }
}
