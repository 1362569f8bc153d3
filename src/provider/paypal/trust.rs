//! Whose certificates PayPal's may be.

use std::fmt;
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Certificate, PublicKey};

/// `DigiCert` High Assurance EV Root CA (SHA-256 `7431e5f4…`) and `DigiCert`
/// Global Root G2 (`cb3ccbb7…`), as Mozilla's list has them.
const DIGICERT: &[u8] = include_bytes!("roots.pem");

/// The certificates that a chain has to end under.
#[derive(Clone)]
pub(super) struct Roots(Vec<TrustAnchor<'static>>);

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roots").field(&self.0.len()).finish()
    }
}

impl Roots {
    pub(super) fn digicert() -> Self {
        Self::from_pem(DIGICERT).unwrap_or(Self(Vec::new()))
    }

    /// `None` if there is none, or one that cannot be read.
    pub(super) fn from_pem(pem: &[u8]) -> Option<Self> {
        let anchors: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .map(|der| {
                let der = der.ok()?;
                let anchor = webpki::anchor_from_trusted_cert(&der).ok()?;
                Some(anchor.to_owned())
            })
            .collect::<Option<_>>()?;
        (!anchors.is_empty()).then_some(Self(anchors))
    }

    /// Whether the key's certificate is for PayPal, holds now, and was issued
    /// under one of the roots.
    pub(super) fn accept(&self, key: &PublicKey, now: Timestamp) -> Result<(), Rejection> {
        let untrusted =
            |why: &'static str| Rejection::new(RejectionKind::UntrustedKey).with_detail(why);
        let chain: Vec<_> = key.certificates().map(CertificateDer::from).collect();
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Err(untrusted("not a certificate"));
        };
        let certificate =
            Certificate::from_der(leaf).map_err(|_| untrusted("the certificate cannot be read"))?;
        if !certificate.is_for(is_paypals) {
            return Err(untrusted("the certificate is not for PayPal"));
        }
        if !certificate.is_valid_at(now) {
            return Err(untrusted(
                "the certificate has expired, or does not hold yet",
            ));
        }
        let now = u64::try_from(now.unix_seconds()).unwrap_or(0);
        EndEntityCert::try_from(leaf)
            .and_then(|leaf| {
                leaf.verify_for_usage(
                    webpki::ALL_VERIFICATION_ALGS,
                    &self.0,
                    intermediates,
                    UnixTime::since_unix_epoch(Duration::from_secs(now)),
                    KeyUsage::server_auth(),
                    None,
                    None,
                )
                .map(drop)
            })
            .map_err(|_| untrusted("the certificate was not issued under a trusted root"))
    }
}

/// As PayPal's SDK for Python demands of the common name.
fn is_paypals(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".paypal.com")
}
