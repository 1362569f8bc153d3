//! Keys of X.509 certificates (feature `certificate`).

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::public_key::{PublicKey, PublicKeyError};

/// More than any public chain has.
const MAX_CERTIFICATES: usize = 8;

impl PublicKey {
    /// The key of the first of `certificates`, each in DER (RFC 5280); those
    /// after it are its chain, and their order does not matter.
    ///
    /// Nothing is checked of them but their form: whose they are, and whether
    /// they hold now, is for
    /// [`Protocol::accept_key`](super::Protocol::accept_key) to say.
    ///
    /// # Errors
    ///
    /// If there is none, there are more than 8, or the first is not a
    /// certificate.
    pub fn from_certificates(
        certificates: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Self, PublicKeyError> {
        let certificates: Vec<_> = certificates.into_iter().take(MAX_CERTIFICATES + 1).collect();
        let leaf = match certificates.first() {
            Some(leaf) if certificates.len() <= MAX_CERTIFICATES => leaf,
            _ => return Err(PublicKeyError(())),
        };
        let spki = read(leaf)?.tbs_certificate.subject_pki.raw.to_vec();
        Ok(Self::with(spki, certificates, None))
    }

    /// [`from_certificates`](Self::from_certificates) in PEM
    /// (`BEGIN CERTIFICATE`, RFC 7468 section 5), the leaf first. What stands
    /// between and around them is skipped.
    ///
    /// # Errors
    ///
    /// If there is none, there are more than 8, or they cannot be read.
    pub fn from_certificate_pem(pem: &[u8]) -> Result<Self, PublicKeyError> {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .take(MAX_CERTIFICATES + 1)
            .map(|der| der.map(|der| der.to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| PublicKeyError(()))?;
        Self::from_certificates(certificates)
    }
}

/// Reads one certificate, with nothing behind it.
pub(crate) fn read(der: &[u8]) -> Result<X509Certificate<'_>, PublicKeyError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(PublicKeyError(())),
    }
}
