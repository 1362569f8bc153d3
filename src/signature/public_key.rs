//! Signatures with a provider's private key (feature `public-key`).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

use crate::Timestamp;

/// Made by hashing a text into a point or a modulus, so that nobody has the
/// private half.
const ED25519_STAND_IN: &str = "f4fb8ee4f40b27fca93c711a4e6ea22f3f7ff7b226456568d0f8d12304d4c64b";
const P256_STAND_IN: &str = "02aa67114ced56c146b59932cea60fd0ec442cb8fc05161d6f973c4f54e3e2f16d";
const RSA_STAND_IN: &str = concat!(
    "3082010a028201010099a696f21d33676811aba46426615fa55310c7f4eff779e7ef5b47ca4beb14",
    "1f45ada805870dc7795ab9dc097c35debd8eed4f38bf2bac0f838e93df32b6ffee7c2d8c5f3057c7",
    "fbcc74d6b5d8489422619238f182d4737a9f6b8eb3bca713161acf99e451ee8961440f7c6fbe13ed",
    "620421bcda6c7023ec81a8babee158054e33f974bad4dc41d863f05d12b955a14ff9dfd4f4d58e29",
    "b954029db8c94606b46dc1ad74c07419f673781762053c02da33eeeb742be87eb2276bca0861f7da",
    "7e0bcfa20c1ca5da7783b7b0c890308d0cf7d12919d956f6761c9263923fc79b56c6355159b457e3",
    "8def36228989a31ff43c4144673a1837adbc237766c68dcb550203010001",
);

/// The algorithm of a public-key signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKeyAlgorithm {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA on P-256 with SHA-256, the signature in DER (ANSI X9.62).
    EcdsaP256Sha256,
    /// ECDSA on P-256 with SHA-256, the signature as two numbers of 32 bytes
    /// (`ES256` of RFC 7518, `ecdsa-p256-sha256` of RFC 9421).
    EcdsaP256Sha256Fixed,
    /// RSA PKCS #1 v1.5 with SHA-1, keys of 2048 bits or more. SHA-1 has
    /// collisions: for providers that have nothing better.
    RsaPkcs1Sha1,
    /// RSA PKCS #1 v1.5 with SHA-256 (`RS256`), keys of 2048 bits or more.
    RsaPkcs1Sha256,
    /// RSA PSS with SHA-512, keys of 2048 bits or more.
    RsaPssSha512,
}

impl PublicKeyAlgorithm {
    pub(crate) const fn expected_key(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519 public key",
            Self::EcdsaP256Sha256 | Self::EcdsaP256Sha256Fixed => "P-256 public key",
            Self::RsaPkcs1Sha1 | Self::RsaPkcs1Sha256 | Self::RsaPssSha512 => {
                "RSA public key of 2048 bits or more"
            }
        }
    }

    /// The key of nobody: of its kind, and its private half is unknown.
    pub(crate) fn stand_in(self) -> Vec<u8> {
        let text = match self {
            Self::Ed25519 => ED25519_STAND_IN,
            Self::EcdsaP256Sha256 | Self::EcdsaP256Sha256Fixed => P256_STAND_IN,
            Self::RsaPkcs1Sha1 | Self::RsaPkcs1Sha256 | Self::RsaPssSha512 => RSA_STAND_IN,
        };
        hex::decode(text).unwrap_or_default()
    }

    const fn is_rsa(self) -> bool {
        matches!(
            self,
            Self::RsaPkcs1Sha1 | Self::RsaPkcs1Sha256 | Self::RsaPssSha512
        )
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 => &ED25519,
            Self::EcdsaP256Sha256 => &ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP256Sha256Fixed => &ECDSA_P256_SHA256_FIXED,
            Self::RsaPkcs1Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::RsaPkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::RsaPssSha512 => &RSA_PSS_2048_8192_SHA512,
        }
    }
}

/// One of another size can be read, and would be found out only when it refuses
/// every signature.
fn is_usable_rsa(key: &[u8]) -> bool {
    let key = rsa::PublicKey::from_der(key).ok();
    let spki = key.and_then(|key| key.as_der().ok());
    spki.is_some_and(|spki| rsa::PublicEncryptingKey::from_der(spki.as_ref()).is_ok())
}

/// A public key, and the certificates that it came with, if it did.
///
/// Cloning is cheap.
#[derive(Clone)]
pub struct PublicKey {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Vec<u8>,
    /// The leaf first.
    certificates: Vec<Vec<u8>>,
    /// Read in advance for the algorithm that it will be used with.
    parsed: Option<(PublicKeyAlgorithm, ParsedPublicKey)>,
    terms: Terms,
}

/// What the provider says of a key.
#[derive(Clone, Copy, Default)]
pub(super) struct Terms {
    /// The only algorithm that it may be used with.
    pub(super) only: Option<PublicKeyAlgorithm>,
    pub(super) expires_at: Option<Timestamp>,
}

impl PublicKey {
    /// A key as a `SubjectPublicKeyInfo` in DER (RFC 5280 section 4.1.2.7), as
    /// an `RSAPublicKey` in DER (RFC 8017), as the 32 bytes of an Ed25519 key,
    /// or as a point of P-256 (SEC 1 section 2.3.3).
    ///
    /// Whether it fits the algorithm shows when it is used.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::with(bytes.into(), Vec::new(), None)
    }

    /// A key in PEM (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    ///
    /// If the text is something else.
    pub fn from_pem(text: &str) -> Result<Self, PublicKeyError> {
        spki_of_pem(text)
            .map(Self::from_bytes)
            .ok_or(PublicKeyError(()))
    }

    /// The key, in the form it came in; that of a certificate is a
    /// `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// The certificate that the key was taken from, in DER, and after it the
    /// rest of its chain. Nothing for a key that came without one.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.inner.certificates.iter().map(Vec::as_slice)
    }

    /// Reads the key for `algorithm`.
    ///
    /// # Errors
    ///
    /// If it is not a key for that algorithm, or an RSA key of less than 2048
    /// bits or more than 8192.
    pub fn prepared_for(&self, algorithm: PublicKeyAlgorithm) -> Result<Self, PublicKeyError> {
        let inner = &self.inner;
        if algorithm.is_rsa() && !is_usable_rsa(&inner.bytes) {
            return Err(PublicKeyError(()));
        }
        let parsed = ParsedPublicKey::new(algorithm.verification(), &inner.bytes)
            .map_err(|_| PublicKeyError(()))?;
        let certificates = inner.certificates.clone();
        let parsed = Some((algorithm, parsed));
        let prepared = Self::with(inner.bytes.clone(), certificates, parsed);
        Ok(prepared.with_terms(inner.terms))
    }

    /// When the provider stops using the key, if it says so. A key that is
    /// looked up is refused from then on.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.inner.terms.expires_at
    }

    pub(super) fn with_terms(mut self, terms: Terms) -> Self {
        // Only a key that was just made gets its terms: nobody shares it yet.
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.terms = terms;
        }
        self
    }

    pub(super) fn with(
        bytes: Vec<u8>,
        certificates: Vec<Vec<u8>>,
        parsed: Option<(PublicKeyAlgorithm, ParsedPublicKey)>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                bytes,
                certificates,
                parsed,
                terms: Terms::default(),
            }),
        }
    }

    /// Whether `signature` is over `content`. False for a key of another kind.
    pub(crate) fn verifies(
        &self,
        algorithm: PublicKeyAlgorithm,
        content: &[u8],
        signature: &[u8],
    ) -> bool {
        if self.inner.terms.only.is_some_and(|only| only != algorithm) {
            return false;
        }
        match &self.inner.parsed {
            Some((kind, key)) if *kind == algorithm => key.verify_sig(content, signature).is_ok(),
            _ => UnparsedPublicKey::new(algorithm.verification(), &self.inner.bytes)
                .verify(content, signature)
                .is_ok(),
        }
    }
}

/// What stands between the lines of `BEGIN PUBLIC KEY`.
pub(crate) fn spki_of_pem(text: &str) -> Option<Vec<u8>> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()).ok()?;
    Some(der.as_ref().to_vec())
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("certificates", &self.inner.certificates.len())
            .finish_non_exhaustive()
    }
}

/// A text or a key that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeyError(pub(crate) ());

impl fmt::Display for PublicKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a public key of the kind that is expected")
    }
}

impl std::error::Error for PublicKeyError {}

/// A private key with its public half, for tests.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug)]
pub(crate) enum KeyPair {
    Ed25519(aws_lc_rs::signature::Ed25519KeyPair),
    Ecdsa(aws_lc_rs::signature::EcdsaKeyPair),
    Rsa(
        aws_lc_rs::signature::RsaKeyPair,
        &'static dyn aws_lc_rs::signature::RsaEncoding,
    ),
}

#[cfg(any(test, feature = "testing"))]
impl KeyPair {
    /// Reads a private key, PKCS #8 in DER or PEM (RFC 5958).
    pub(crate) fn new(algorithm: PublicKeyAlgorithm, pkcs8: &[u8]) -> Option<Self> {
        use aws_lc_rs::signature::{
            ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
            Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaKeyPair,
        };
        let der = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(pkcs8);
        let der = match &der {
            Ok(der) => der.secret_pkcs8_der(),
            Err(_) => pkcs8,
        };
        let ecdsa = |kind| EcdsaKeyPair::from_pkcs8(kind, der).ok().map(Self::Ecdsa);
        let rsa = |kind| {
            RsaKeyPair::from_pkcs8(der)
                .ok()
                .map(|pair| Self::Rsa(pair, kind))
        };
        match algorithm {
            PublicKeyAlgorithm::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .ok()
                .map(Self::Ed25519),
            PublicKeyAlgorithm::EcdsaP256Sha256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            PublicKeyAlgorithm::EcdsaP256Sha256Fixed => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            PublicKeyAlgorithm::RsaPkcs1Sha256 => rsa(&RSA_PKCS1_SHA256),
            PublicKeyAlgorithm::RsaPssSha512 => rsa(&RSA_PSS_SHA512),
            PublicKeyAlgorithm::RsaPkcs1Sha1 => None,
        }
    }

    pub(crate) fn sign(&self, content: &[u8]) -> Option<Vec<u8>> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        match self {
            Self::Ed25519(pair) => Some(pair.sign(content).as_ref().to_vec()),
            Self::Ecdsa(pair) => Some(pair.sign(&random, content).ok()?.as_ref().to_vec()),
            Self::Rsa(pair, kind) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*kind, &random, content, &mut signature).ok()?;
                Some(signature)
            }
        }
    }

    /// The public half as a `SubjectPublicKeyInfo`, or as the raw key where
    /// providers show that.
    pub(crate) fn public_key(&self, raw: bool) -> Option<Vec<u8>> {
        use aws_lc_rs::encoding::AsDer;
        use aws_lc_rs::signature::KeyPair as _;
        Some(match self {
            Self::Ed25519(pair) if raw => pair.public_key().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.public_key().as_der().ok()?.as_ref().to_vec(),
            Self::Ecdsa(pair) => pair.public_key().as_der().ok()?.as_ref().to_vec(),
            Self::Rsa(pair, _) => pair.public_key().as_der().ok()?.as_ref().to_vec(),
        })
    }
}

#[cfg(test)]
mod tests;
