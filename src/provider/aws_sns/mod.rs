//! Amazon Simple Notification Service (feature `certificate`).
//!
//! A topic's messages are signed with a key whose certificate they name by its
//! URL. Whoever can create a topic anywhere at AWS gets genuine signatures, so
//! that the topic has to be named here.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::request::Parts;

use self::message::{Message, MessageKind};
use self::topic::Topic;
use super::{HOUR, MINUTE};
use crate::Timestamp;
use crate::delivery::Delivery;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{
    Algorithm, Certificate, Coverage, Handshake, KeyName, Part, Protocol, PublicKey,
    PublicKeyAlgorithm, Received, Scheme, SecretEncoding, Source, Statement, TimestampRule,
};

mod message;
mod topic;

const NAME: &str = "aws_sns";
const RAW_DELIVERY: &str = "x-amz-sns-rawdelivery";

/// Amazon SNS: messages of the topic `topic_arn`, signed with RSA and SHA-256
/// (`SignatureVersion` 2).
///
/// Signed are `Message`, `MessageId`, `Subject`, `Timestamp`, `TopicArn` and
/// `Type`, and in confirmations `SubscribeURL` and `Token`. **Not signed** are
/// `MessageAttributes`, `UnsubscribeURL` and every header: do not act on them.
/// Raw delivery (`x-amz-sns-rawdelivery`) has no signature at all and is
/// refused.
///
/// Messages are fresh for 75 minutes: the timestamp is that of the publication,
/// SNS retries over HTTP for at most an hour, and each of its 50 attempts may
/// take 15 seconds. A policy that limits the rate of deliveries can delay them
/// further; see [`AwsSns::with_tolerance`].
///
/// A subscription is confirmed by whoever is configured with
/// [`WebhookLayer::with_confirmation`](crate::WebhookLayer::with_confirmation),
/// and calls what [`AwsSns::subscribe_url`] returns; until then the handler gets
/// the confirmation.
///
/// A topic signs with SHA-1 until its attribute `SignatureVersion` is set to 2.
///
/// The certificate must be for SNS in the topic's region and must not have
/// expired. As in AWS's own SDKs, its chain is not judged: it is trusted because
/// it was fetched over HTTPS from the topic's own host.
///
/// ```
/// use tower_webhook::signature::PublicKey;
/// use tower_webhook::{RejectionKind, Secret, Timestamp, Verifier, provider};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/protocols/aws_sns.pem"));
/// # let body = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/protocols/aws_sns_notification.txt"));
/// // A server takes `AsyncVerifier::with_keys`, which fetches the certificate.
/// let key = PublicKey::from_certificate_pem(pem)?;
/// let topic = "arn:aws:sns:us-west-2:131990247566:dongie-standard-topic";
/// let verifier = Verifier::new(provider::aws_sns(topic), Secret::from_bytes(key.as_bytes()))?;
///
/// let (parts, ()) = http::Request::post("/sns").body(())?.into_parts();
/// let now = Timestamp::parse_rfc3339("2026-03-06T20:00:27Z").unwrap();
/// let verified = verifier.verify(&parts, body, now)?;
/// assert_eq!(verified.event_type().as_deref(), Some("Notification"));
///
/// let later = Timestamp::parse_rfc3339("2026-03-06T22:00:00Z").unwrap();
/// let refused = verifier.verify(&parts, body, later).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::TimestampTooOld);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn aws_sns(topic_arn: impl Into<Cow<'static, str>>) -> Scheme {
    AwsSns::new(topic_arn).into()
}

/// [`aws_sns`] with choices.
#[derive(Clone, Debug)]
pub struct AwsSns {
    topic_arn: Cow<'static, str>,
    takes_version_1: bool,
    tolerance: Duration,
}

impl AwsSns {
    /// Messages of the topic `topic_arn`, such as
    /// `arn:aws:sns:us-east-1:123456789012:orders`.
    ///
    /// A verifier is not built if that is not a topic's ARN in one of the
    /// partitions `aws`, `aws-cn`, `aws-us-gov` and `aws-eusc`.
    #[must_use]
    pub fn new(topic_arn: impl Into<Cow<'static, str>>) -> Self {
        Self {
            topic_arn: topic_arn.into(),
            takes_version_1: false,
            tolerance: HOUR.saturating_add(MINUTE.saturating_mul(15)),
        }
    }

    /// Also takes `SignatureVersion` 1, RSA with SHA-1. Collisions of SHA-1 can
    /// be made: who can publish one of two texts could have the other verified.
    #[must_use]
    pub const fn with_signature_version_1(mut self) -> Self {
        self.takes_version_1 = true;
        self
    }

    /// How old a message may be (default: 75 minutes).
    #[must_use]
    pub const fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The URL that confirms a subscription: a GET to it, and SNS starts to
    /// send notifications.
    ///
    /// `None` for any other delivery than a `SubscriptionConfirmation` of
    /// [`aws_sns`]. The URL is signed, and on the host of SNS in the topic's
    /// region.
    #[must_use]
    pub fn subscribe_url(delivery: &Delivery) -> Option<String> {
        if delivery.provider() != NAME {
            return None;
        }
        let message = Message::new(delivery.body()).ok()?;
        let topic = Topic::new(&message.topic)?;
        let url = message.subscribe_url.as_deref()?;
        let confirms =
            message.kind == MessageKind::SubscriptionConfirmation && topic.is_api_url(url);
        confirms.then(|| url.to_owned())
    }
}

impl From<AwsSns> for Scheme {
    fn from(sns: AwsSns) -> Self {
        let timestamp = TimestampRule::rfc3339(Source::pointer("/Timestamp"))
            .with_tolerance(sns.tolerance)
            .with_future_tolerance(MINUTE.saturating_mul(5));
        let protocol = SnsProtocol {
            topic: Topic::new(&sns.topic_arn),
            takes_version_1: sns.takes_version_1,
            timestamp,
        };
        Self::public_key(NAME, PublicKeyAlgorithm::RsaPkcs1Sha256)
            .with_reference(
                "https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html",
            )
            .with_secret_encoding(SecretEncoding::Pem)
            .with_content([
                Part::value("/Message"),
                Part::value("/MessageId"),
                Part::value("/Timestamp"),
                Part::value("/TopicArn"),
                Part::value("/Type"),
            ])
            .with_protocol(Arc::new(protocol))
            .with_event_id([Source::pointer("/MessageId")])
            .with_event_type([Source::pointer("/Type")])
            // A message has up to 256 KiB, and JSON within JSON is escaped.
            .with_max_body(2 * 1024 * 1024)
            .with_retry_horizon(HOUR.saturating_mul(2))
            .with_handshake(
                Handshake::signed(Method::POST)
                    .when_equals(Source::pointer("/Type"), "SubscriptionConfirmation")
                    .with_confirmation(),
            )
    }
}

#[derive(Debug)]
struct SnsProtocol {
    /// `None` if the ARN is not one of a topic.
    topic: Option<Topic>,
    takes_version_1: bool,
    timestamp: TimestampRule,
}

impl SnsProtocol {
    fn topic(&self) -> Result<&Topic, Rejection> {
        let topic = self.topic.as_ref();
        topic.ok_or_else(|| Rejection::new(RejectionKind::UnexpectedValue).with_detail("TopicArn"))
    }

    fn algorithm(&self, version: Option<&str>) -> Result<Algorithm, Rejection> {
        let algorithm = match version {
            Some("2") => PublicKeyAlgorithm::RsaPkcs1Sha256,
            Some("1") if self.takes_version_1 => PublicKeyAlgorithm::RsaPkcs1Sha1,
            _ => {
                return Err(
                    Rejection::new(RejectionKind::UnexpectedValue).with_detail("SignatureVersion")
                );
            }
        };
        Ok(Algorithm::PublicKey(algorithm))
    }
}

impl Protocol for SnsProtocol {
    fn validate(&self, _: &Scheme) -> Result<(), &'static str> {
        if self.topic.is_none() {
            return Err("it is not for a topic's ARN");
        }
        match self.timestamp.past_tolerance().is_zero() {
            true => Err("its tolerance is zero, which would refuse every message"),
            false => Ok(()),
        }
    }

    fn precheck(&self, parts: &Parts, _: Timestamp) -> Result<(), Rejection> {
        match parts.headers.contains_key(RAW_DELIVERY) {
            true => Err(Rejection::new(RejectionKind::MissingSignature).with_detail(RAW_DELIVERY)),
            false => Ok(()),
        }
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let reject = |kind, name: &'static str| Rejection::new(kind).with_detail(name);
        let message = Message::new(received.body())?;
        let topic = self.topic()?;
        if message.topic != topic.arn {
            return Err(reject(RejectionKind::UnexpectedValue, "TopicArn"));
        }
        let algorithm = self.algorithm(message.version.as_deref())?;
        let timestamp = self
            .timestamp
            .check(message.timestamp.as_bytes(), received.now())?;
        let url = message.certificate_url.as_deref().unwrap_or("");
        if !topic.is_certificate_url(url) {
            return Err(reject(RejectionKind::UnknownKey, "SigningCertURL"));
        }
        if message.kind != MessageKind::Notification
            && !message
                .subscribe_url
                .as_deref()
                .is_some_and(|url| topic.is_api_url(url))
        {
            return Err(reject(RejectionKind::UnexpectedValue, "SubscribeURL"));
        }
        let signature = message
            .signature
            .as_deref()
            .ok_or_else(|| reject(RejectionKind::MissingSignature, "Signature"))?;
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| reject(RejectionKind::MalformedSignature, "Signature"))?;
        Ok(Statement::new(message.signed_content()?, signature)
            .with_algorithm(algorithm)
            .with_key(KeyName::Url(url.to_owned()))
            .with_timestamp(timestamp))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Values
    }

    fn freshness_window(&self) -> Duration {
        self.timestamp.window()
    }

    fn accept_key(&self, key: &PublicKey, now: Timestamp) -> Result<(), Rejection> {
        let untrusted =
            |why: &'static str| Rejection::new(RejectionKind::UntrustedKey).with_detail(why);
        let certificate = key.certificates().next().map(Certificate::from_der);
        let Some(Ok(certificate)) = certificate else {
            return Err(untrusted("not a certificate"));
        };
        if !certificate.is_valid_at(now) {
            return Err(untrusted(
                "the certificate has expired, or does not hold yet",
            ));
        }
        let topic = self.topic()?;
        match certificate.is_for(|name| topic.may_sign(name)) {
            true => Ok(()),
            false => Err(untrusted(
                "the certificate is not for SNS in the topic's region",
            )),
        }
    }
}
