//! PayPal's webhooks (feature `certificate`).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;

use self::trust::Roots;
use super::{DAY, HOUR, MINUTE};
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{
    Coverage, KeyName, Part, Protocol, PublicKey, PublicKeyAlgorithm, Received, Scheme,
    SecretEncoding, Source, Statement, TimestampRule, signed_header,
};
use crate::{ConfigError, Timestamp};

mod trust;

const NAME: &str = "paypal";
const ID: &str = "paypal-transmission-id";
const TIME: &str = "paypal-transmission-time";
const SIGNATURE: &str = "paypal-transmission-sig";
const CERTIFICATE_URL: &str = "paypal-cert-url";
const ALGORITHM: &str = "paypal-auth-algo";

/// PayPal's live environment, for the webhook with the id `webhook_id`: RSA with
/// SHA-256 over `{transmission id}|{transmission time}|{webhook_id}|{CRC-32 of
/// the body}`.
///
/// **Weak**: a CRC-32 is no hash. Who captured one genuine transmission can make
/// another body with the same CRC-32 in no time, and it verifies. What holds
/// against that:
///
/// - deduplication remembers what was signed, so that a transmission that was
///   processed is a duplicate whatever its body is;
/// - HTTPS keeps transmissions from being captured;
/// - for what moves money, fetch the resource that the event names from
///   PayPal's API, and act on that.
///
/// The event's id and type are in the body, and no better protected.
///
/// Transmissions are fresh for three days and an hour: PayPal retries up to 25
/// times over three days, and does not say whether it signs a retry anew.
///
/// The certificate must be on `api.paypal.com`, for a host under `paypal.com`,
/// not expired, and issued under a root of [`PayPal::with_roots_pem`].
///
/// ```
/// use tower_webhook::signature::{Coverage, PublicKey};
/// use tower_webhook::{RejectionKind, Secret, Timestamp, Verifier, provider};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/protocols/paypal.pem"));
/// # let key = PublicKey::from_certificate_pem(pem)?;
/// // A server takes `AsyncVerifier::with_keys`, which fetches the certificate.
/// let verifier = Verifier::new(provider::paypal("WEBHOOKID"), Secret::from_bytes(key.as_bytes()))?;
///
/// # let sig = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/protocols/paypal_signature.txt")).trim();
/// let (parts, ()) = http::Request::post("/paypal")
///     .header("paypal-transmission-id", "tid-1")
///     .header("paypal-transmission-time", "2023-11-14T22:13:20Z")
///     .header("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-test")
///     .header("paypal-auth-algo", "SHA256withRSA")
///     .header("paypal-transmission-sig", sig)
///     .body(())?
///     .into_parts();
/// let body = br#"{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}"#;
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// assert!(verifier.verify(&parts, body, now).is_ok());
///
/// let refused = verifier.verify(&parts, b"{}", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
///
/// // The body is held by nothing but a CRC-32:
/// assert_eq!(verifier.scheme().coverage(), Coverage::Values);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn paypal(webhook_id: impl Into<Cow<'static, str>>) -> Scheme {
    PayPal::new(webhook_id).into()
}

/// [`paypal`] with choices.
#[derive(Clone, Debug)]
pub struct PayPal {
    webhook_id: Cow<'static, str>,
    host: &'static str,
    roots: Roots,
    tolerance: Duration,
}

impl PayPal {
    /// Events of the live environment for the webhook `webhook_id`: the id that
    /// PayPal shows for it, not its URL.
    #[must_use]
    pub fn new(webhook_id: impl Into<Cow<'static, str>>) -> Self {
        Self {
            webhook_id: webhook_id.into(),
            host: "api.paypal.com",
            roots: Roots::digicert(),
            tolerance: (3 * DAY).saturating_add(HOUR),
        }
    }

    /// Events of the sandbox, and none of the live environment.
    #[must_use]
    pub const fn in_sandbox(mut self) -> Self {
        self.host = "api.sandbox.paypal.com";
        self
    }

    /// The certificates that PayPal's is issued under, in PEM; an intermediate
    /// may stand for its root.
    ///
    /// The default is two roots of `DigiCert`: High Assurance EV Root CA, which
    /// PayPal's SDK for Python trusts, and Global Root G2, its successor for
    /// extended validation. Where PayPal sends its certificate without the
    /// intermediate, name that here.
    ///
    /// # Errors
    ///
    /// If there is none, or one that cannot be read.
    pub fn with_roots_pem(mut self, pem: &[u8]) -> Result<Self, ConfigError> {
        self.roots = Roots::from_pem(pem).ok_or(ConfigError::InvalidScheme {
            scheme: NAME.to_owned(),
            reason: "its roots are not certificates in PEM".into(),
        })?;
        Ok(self)
    }

    /// How old a transmission may be (default: 73 hours).
    #[must_use]
    pub const fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }
}

impl From<PayPal> for Scheme {
    fn from(paypal: PayPal) -> Self {
        let timestamp = TimestampRule::rfc3339(Source::header(TIME))
            .with_tolerance(paypal.tolerance)
            .with_future_tolerance(MINUTE.saturating_mul(5));
        let content = [
            Part::header(ID),
            Part::literal("|"),
            Part::header(TIME),
            Part::literal("|"),
            Part::Literal(paypal.webhook_id.clone()),
            Part::literal("|"),
        ];
        let protocol = PayPalProtocol {
            webhook_id: paypal.webhook_id.into_owned(),
            host: paypal.host,
            roots: paypal.roots,
            timestamp,
        };
        Self::public_key(NAME, PublicKeyAlgorithm::RsaPkcs1Sha256)
            .with_reference(
                "https://developer.paypal.com/api/rest/webhooks/rest/#link-messagesignature",
            )
            .with_secret_encoding(SecretEncoding::Pem)
            .with_content(content)
            .with_protocol(Arc::new(protocol))
            .with_event_id([Source::pointer("/id")])
            .with_event_type([Source::pointer("/event_type")])
            .with_retry_horizon(3 * DAY)
    }
}

#[derive(Debug)]
struct PayPalProtocol {
    webhook_id: String,
    host: &'static str,
    roots: Roots,
    timestamp: TimestampRule,
}

/// What the headers say, read.
struct Transmission<'a> {
    id: &'a [u8],
    time: &'a [u8],
    sent: Timestamp,
    certificate_url: &'a str,
    /// In base64.
    signature: &'a [u8],
}

impl PayPalProtocol {
    fn read<'a>(&self, parts: &'a Parts, now: Timestamp) -> Result<Transmission<'a>, Rejection> {
        let reject = |kind, name: &'static str| Rejection::new(kind).with_detail(name);
        if !parts.headers.contains_key(SIGNATURE) {
            return Err(reject(RejectionKind::MissingSignature, SIGNATURE));
        }
        // What the request names is compared, and never chosen by it.
        if signed_header(parts, ALGORITHM)? != b"SHA256withRSA" {
            return Err(reject(RejectionKind::UnexpectedHeader, ALGORITHM));
        }
        let id = signed_header(parts, ID)?;
        let ends = |byte: &u8| *byte == b'|' || !byte.is_ascii_graphic();
        if id.is_empty() || id.iter().any(ends) {
            return Err(reject(RejectionKind::MalformedSignedValue, ID));
        }
        let time = signed_header(parts, TIME)?;
        let sent = self.timestamp.check(time, now)?;
        let url = std::str::from_utf8(signed_header(parts, CERTIFICATE_URL)?)
            .ok()
            .filter(|url| self.is_certificate_url(url))
            .ok_or_else(|| reject(RejectionKind::UnknownKey, CERTIFICATE_URL))?;
        let signature = signed_header(parts, SIGNATURE)
            .map_err(|_| reject(RejectionKind::RepeatedSignatureHeader, SIGNATURE))?;
        Ok(Transmission {
            id,
            time,
            sent,
            certificate_url: url,
            signature,
        })
    }

    /// Compared as a text, from its start: there is no second reading of it in
    /// which the host is another.
    fn is_certificate_url(&self, url: &str) -> bool {
        let name = url
            .strip_prefix("https://")
            .and_then(|rest| rest.strip_prefix(self.host))
            .and_then(|rest| rest.strip_prefix("/v1/notifications/certs/"));
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        name.is_some_and(|name| !name.is_empty() && name.bytes().all(in_name))
    }
}

impl Protocol for PayPalProtocol {
    fn validate(&self, _: &Scheme) -> Result<(), &'static str> {
        let ends = |byte: u8| byte == b'|' || !byte.is_ascii_graphic();
        if self.webhook_id.is_empty() || self.webhook_id.bytes().any(ends) {
            return Err("it is not for a webhook's id");
        }
        match self.timestamp.past_tolerance().is_zero() {
            true => Err("its tolerance is zero, which would refuse every transmission"),
            false => Ok(()),
        }
    }

    fn precheck(&self, parts: &Parts, now: Timestamp) -> Result<(), Rejection> {
        self.read(parts, now).map(drop)
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let transmission = self.read(received.parts(), received.now())?;
        let signature = STANDARD.decode(transmission.signature).map_err(|_| {
            Rejection::new(RejectionKind::MalformedSignature).with_detail(SIGNATURE)
        })?;
        let checksum = crc32fast::hash(received.body()).to_string();
        let content = [
            transmission.id,
            transmission.time,
            self.webhook_id.as_bytes(),
            checksum.as_bytes(),
        ]
        .join(&b'|');
        Ok(Statement::new(content, signature)
            .with_key(KeyName::Url(transmission.certificate_url.to_owned()))
            .with_timestamp(transmission.sent))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Values
    }

    fn freshness_window(&self) -> Duration {
        self.timestamp.window()
    }

    fn accept_key(&self, key: &PublicKey, now: Timestamp) -> Result<(), Rejection> {
        self.roots.accept(key, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a16_certificates_come_from_paypals_api_alone() {
        let protocol = |paypal: PayPal| PayPalProtocol {
            webhook_id: String::new(),
            host: paypal.host,
            roots: paypal.roots,
            timestamp: TimestampRule::rfc3339(Source::header(TIME)),
        };
        let live = protocol(PayPal::new("1"));
        let sandbox = protocol(PayPal::new("1").in_sandbox());
        let genuine =
            "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77";
        assert!(live.is_certificate_url(genuine));
        assert!(!sandbox.is_certificate_url(genuine));
        let of_sandbox = genuine.replace("api.paypal", "api.sandbox.paypal");
        assert!(sandbox.is_certificate_url(&of_sandbox));
        for url in [
            "",
            "http://api.paypal.com/v1/notifications/certs/CERT-1",
            "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
            "https://API.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com./v1/notifications/certs/CERT-1",
            "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
            "https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1",
            "https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1",
            "https://evil.test/api.paypal.com/v1/notifications/certs/CERT-1",
            "https://evil.paypal.com/v1/notifications/certs/CERT-1",
            "https://paypal.com/v1/notifications/certs/CERT-1",
            "https://127.0.0.1/v1/notifications/certs/CERT-1",
            "https://[::ffff:7f00:1]/v1/notifications/certs/CERT-1",
            "https://api.paypal.com/v1/notifications/certs/",
            "https://api.paypal.com/v1/notifications/certs/../../x",
            "https://api.paypal.com/v1/notifications/certs/%2e%2e",
            "https://api.paypal.com/v1/notifications/certs/CERT-1/x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1?x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
            "https://api.paypal.com/v1/notifications/certs\\CERT-1",
            "https://api.paypal.com/v1/other/CERT-1",
            "https://api.paypal.com//v1/notifications/certs/CERT-1",
            &of_sandbox,
        ] {
            assert!(!live.is_certificate_url(url), "{url}");
        }
    }
}
