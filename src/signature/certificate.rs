//! Keys of X.509 certificates (feature `certificate`).

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::public_key::{PublicKey, PublicKeyError};
use crate::Timestamp;

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
        let certificates: Vec<_> = certificates
            .into_iter()
            .take(MAX_CERTIFICATES + 1)
            .collect();
        let leaf = match certificates.first() {
            Some(leaf) if certificates.len() <= MAX_CERTIFICATES => leaf,
            _ => return Err(PublicKeyError(())),
        };
        let spki = Certificate::from_der(leaf)?.spki()?;
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

/// One certificate, read.
#[derive(Debug)]
pub(crate) struct Certificate(x509_cert::Certificate);

impl Certificate {
    /// Reads one certificate in DER, with nothing behind it.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let read = x509_cert::Certificate::from_der(der);
        read.map(Self).map_err(|_| PublicKeyError(()))
    }

    fn spki(&self) -> Result<Vec<u8>, PublicKeyError> {
        let spki = self.0.tbs_certificate().subject_public_key_info();
        spki.to_der().map_err(|_| PublicKeyError(()))
    }

    /// Whether `now` is within its period of validity, ends included (RFC 5280
    /// section 4.1.2.5).
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        let validity = self.0.tbs_certificate().validity();
        let from = validity.not_before.to_unix_duration().as_secs();
        let until = validity.not_after.to_unix_duration().as_secs();
        u64::try_from(now.unix_seconds()).is_ok_and(|now| (from..=until).contains(&now))
    }

    /// Whether one of the host names that it is for is `wanted`. Those are its
    /// alternative names alone, never its common name (RFC 9525 section 2).
    pub(crate) fn is_for(&self, wanted: impl Fn(&str) -> bool) -> bool {
        let names = self.0.tbs_certificate().get_extension();
        let Ok(Some((_, SubjectAltName(names)))) = names else {
            return false;
        };
        names.iter().any(|name| match name {
            GeneralName::DnsName(name) => wanted(name.as_str()),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::PublicKeyData;

    use super::*;

    #[test]
    fn what_is_not_a_certificate_is_no_key() {
        for pem in [
            "",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "<html>404</html>",
        ] {
            let key = PublicKey::from_certificate_pem(pem.as_bytes());
            assert!(key.is_err(), "{pem}");
        }
        assert!(PublicKey::from_certificates([]).is_err());
    }

    #[test]
    fn the_first_certificate_is_the_keys_and_the_rest_its_chain() {
        let made = |name: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            (certificate.pem(), key.subject_public_key_info())
        };
        let ((leaf, spki), (other, _)) = (made("a.test"), made("b.test"));
        let pem = format!("subject=a\n{leaf}\n{other}");
        let key = PublicKey::from_certificate_pem(pem.as_bytes()).unwrap();
        assert_eq!(key.certificates().count(), 2);
        let first = key.certificates().next().unwrap();
        let first = Certificate::from_der(first).unwrap();
        assert_eq!(first.spki().unwrap(), spki);
        assert!(first.is_for(|name| name == "a.test"));
        assert!(!first.is_for(|name| name == "b.test"));

        let many = leaf.repeat(MAX_CERTIFICATES + 1);
        assert!(PublicKey::from_certificate_pem(many.as_bytes()).is_err());
        let many = leaf.repeat(MAX_CERTIFICATES);
        assert!(PublicKey::from_certificate_pem(many.as_bytes()).is_ok());
    }

    #[test]
    fn nothing_may_follow_a_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
        let mut der = params.self_signed(&key).unwrap().der().to_vec();
        assert!(Certificate::from_der(&der).is_ok());
        der.push(0);
        assert!(Certificate::from_der(&der).is_err());
    }
}
