use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::{CertificateDer, DnsName, SignatureVerificationAlgorithm, TrustAnchor};
use x509_cert::name::Name;

use crate::ConfigError;

/// Which client certificates may call.
///
/// There are five kinds of rules. A certificate must satisfy every kind that
/// is given, and of each kind one of the alternatives. Giving a kind again
/// adds alternatives.
///
/// ```
/// use tower_webhook::client_cert::{ClientCertRules, RequireClientCertLayer};
///
/// # fn main() -> Result<(), tower_webhook::ConfigError> {
/// // This key, and this name in its certificate:
/// let rules = ClientCertRules::new()
///     .with_spki_sha256(["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="])?
///     .with_dns_names(["client.webhooks.example"])?;
/// let layer = RequireClientCertLayer::new(rules)?;
///
/// // A wildcard, or no rule at all, is refused.
/// assert!(ClientCertRules::new().with_dns_names(["*.example"]).is_err());
/// assert!(RequireClientCertLayer::new(ClientCertRules::new()).is_err());
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Clone, Default)]
pub struct ClientCertRules {
    pub(super) pins: Vec<[u8; 32]>,
    pub(super) dns_names: Vec<DnsName<'static>>,
    pub(super) common_names: Vec<String>,
    pub(super) issuer_names: Vec<Name>,
    pub(super) issuers: Vec<Issuers>,
}

/// Certification authorities, and the signatures that count.
#[derive(Clone)]
pub(super) struct Issuers {
    pub(super) anchors: Arc<[TrustAnchor<'static>]>,
    pub(super) algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl ClientCertRules {
    /// No rule yet. A layer needs one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The SHA-256 of the certificate's public key (`SubjectPublicKeyInfo` in
    /// DER, as RFC 7469 section 2.4 has it): in base64, in hex, or as
    /// `pin-sha256="…"`.
    ///
    /// A pin outlives the certificate if the key is kept. Pin a second key
    /// before the first is replaced. From a certificate:
    ///
    /// ```sh
    /// openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der |
    ///     openssl dgst -sha256 -binary | openssl base64
    /// ```
    ///
    /// # Errors
    ///
    /// If there is none, or one is not 32 bytes in one of these forms.
    pub fn with_spki_sha256<I>(mut self, pins: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let reason = "it is not the SHA-256 of a key in base64 or hex";
        extend(&mut self.pins, pins, reason, parse_pin)?;
        Ok(self)
    }

    /// A DNS name among the certificate's subject alternative names, the same
    /// but for upper and lower case. A wildcard in the certificate matches no
    /// name.
    ///
    /// # Errors
    ///
    /// If there is none, or one is not a DNS name.
    pub fn with_dns_names<I>(mut self, names: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        extend(&mut self.dns_names, names, "it is not a DNS name", |text| {
            let name = DnsName::try_from(text).ok()?;
            (!text.ends_with('.')).then(|| name.to_owned())
        })?;
        Ok(self)
    }

    /// The one common name of the certificate's subject, the same but for
    /// upper and lower case.
    ///
    /// Prefer [`with_dns_names`](Self::with_dns_names) where the certificate
    /// has such names: RFC 9525 section 2 has given up common names. For
    /// Meta, whose documentation asks for the common name, it is
    /// `client.webhooks.fbclientcerts.com`
    /// ([mTLS for webhooks](https://developers.facebook.com/docs/graph-api/webhooks/getting-started#mtls-for-webhooks)).
    ///
    /// # Errors
    ///
    /// If there is none, or one is empty.
    pub fn with_common_names<I>(mut self, names: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        extend(&mut self.common_names, names, "it is empty", |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })?;
        Ok(self)
    }

    /// The distinguished name of the issuer, written as in RFC 4514 with the
    /// common name first: `CN=Webhook CA,O=Example,C=US`. OpenSSL prints it so
    /// with `x509 -noout -issuer -nameopt RFC2253`. Compared part by part and
    /// exactly, in the order of the certificate.
    ///
    /// Anybody can write any issuer into a certificate. This tells the
    /// authorities apart that the handshake has verified; it does not verify.
    ///
    /// # Errors
    ///
    /// If there is none, or one cannot be read or is empty.
    pub fn with_issuer_names<I>(mut self, names: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let reason = "it is not a distinguished name as in RFC 4514";
        extend(&mut self.issuer_names, names, reason, |text| {
            let name: Name = text.parse().ok()?;
            (!name.is_empty()).then_some(name)
        })?;
        Ok(self)
    }

    /// A certification authority by its certificate: the caller's certificate
    /// must lead to it, over the intermediate certificates that came with it,
    /// with valid signatures and periods, for client authentication (RFC 5280
    /// section 6). This verifies once more what the handshake has verified,
    /// and so holds where a proxy has not.
    ///
    /// `algorithms` are those of your TLS library, for instance rustls'
    /// `aws_lc_rs::default_provider().signature_verification_algorithms.all`.
    /// Revocation is not looked at.
    ///
    /// # Errors
    ///
    /// If there is no certificate or no algorithm, or a certificate cannot be
    /// read.
    pub fn with_issuer_certificates<'a, I>(
        mut self,
        certificates: I,
        algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    ) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = &'a CertificateDer<'a>>,
    {
        let anchors = certificates
            .into_iter()
            .map(|certificate| {
                webpki::anchor_from_trusted_cert(certificate)
                    .map(|anchor| anchor.to_owned())
                    .map_err(|_| ConfigError::InvalidClientCertRule {
                        rule: "an issuer's certificate".to_owned(),
                        reason: "it is not an X.509 certificate in DER",
                    })
            })
            .collect::<Result<Arc<[_]>, _>>()?;
        if anchors.is_empty() || algorithms.is_empty() {
            return Err(ConfigError::NoClientCertRule);
        }
        self.issuers.push(Issuers {
            anchors,
            algorithms,
        });
        Ok(self)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.pins.is_empty()
            && self.dns_names.is_empty()
            && self.common_names.is_empty()
            && self.issuer_names.is_empty()
            && self.issuers.is_empty()
    }
}

fn extend<T, I>(
    rules: &mut Vec<T>,
    texts: I,
    reason: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<(), ConfigError>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let before = rules.len();
    for text in texts {
        let text = text.as_ref();
        rules.push(
            parse(text).ok_or_else(|| ConfigError::InvalidClientCertRule {
                rule: text.to_owned(),
                reason,
            })?,
        );
    }
    if rules.len() == before {
        return Err(ConfigError::NoClientCertRule);
    }
    Ok(())
}

fn parse_pin(text: &str) -> Option<[u8; 32]> {
    let text = match text.strip_prefix("pin-sha256=\"") {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => text,
    };
    // 64 digits of hex would be 48 bytes of base64.
    let bytes = if text.len() == 64 {
        hex::decode(text).ok()?
    } else {
        BASE64_STANDARD.decode(text).ok()?
    };
    bytes.try_into().ok()
}

impl fmt::Debug for ClientCertRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pins: Vec<_> = self.pins.iter().map(hex::encode).collect();
        let names: Vec<_> = self.issuer_names.iter().map(Name::to_string).collect();
        let issuers: usize = self.issuers.iter().map(|group| group.anchors.len()).sum();
        f.debug_struct("ClientCertRules")
            .field("spki_sha256", &pins)
            .field("dns_names", &self.dns_names)
            .field("common_names", &self.common_names)
            .field("issuer_names", &names)
            .field("issuer_certificates", &issuers)
            .finish()
    }
}
