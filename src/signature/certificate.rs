//! Keys of X.509 certificates (feature `certificate`).

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

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
        let spki = Certificate::from_der(leaf)?.spki().to_vec();
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
pub(crate) struct Certificate<'a>(X509Certificate<'a>);

impl<'a> Certificate<'a> {
    /// Reads one certificate in DER, with nothing behind it.
    pub(crate) fn from_der(der: &'a [u8]) -> Result<Self, PublicKeyError> {
        match X509Certificate::from_der(der) {
            Ok(([], certificate)) => Ok(Self(certificate)),
            _ => Err(PublicKeyError(())),
        }
    }

    fn spki(&self) -> &[u8] {
        self.0.tbs_certificate.subject_pki.raw
    }

    /// Whether `now` is within its period of validity, ends included (RFC 5280
    /// section 4.1.2.5).
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        let validity = self.0.validity();
        let now = now.unix_seconds();
        validity.not_before.timestamp() <= now && now <= validity.not_after.timestamp()
    }

    /// The host names it is for: those of its alternative names, or its common
    /// names if it has no alternative name (RFC 9525 section 6.3, RFC 2818
    /// section 3.1).
    pub(crate) fn host_names(&self) -> Vec<&str> {
        let named = match self.0.subject_alternative_name() {
            Ok(named) => named,
            // Repeated: which of them holds is a matter of taste.
            Err(_) => return Vec::new(),
        };
        match named {
            Some(named) => {
                let names = named.value.general_names.iter();
                names
                    .filter_map(|name| match name {
                        GeneralName::DNSName(name) => Some(*name),
                        _ => None,
                    })
                    .collect()
            }
            None => {
                let names = self.0.subject().iter_common_name();
                names.filter_map(|name| name.as_str().ok()).collect()
            }
        }
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
        assert_eq!(first.spki(), spki);
        assert_eq!(first.host_names(), ["a.test"]);

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
