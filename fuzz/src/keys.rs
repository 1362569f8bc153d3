//! Keys in the forms that providers show them in, and signatures by other
//! libraries than the crate's.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::row::{Encoding, Hash, KeyForm, Proof, Row};

/// Of a secret, or in the place of the private keys: older, current, and
/// somebody else's. Only letters and dashes, for a token in a URL.
const TEXTS: [&str; 3] = ["an-older-secret", "a-secret", "another-secret"];

/// One of the keys that a preset is tried with.
pub enum Key {
    Secret(&'static str),
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
    /// Signing is the other library's: in Rust, and instrumented, it takes as
    /// long as a hundred other requests.
    Rsa {
        public: rsa::RsaPublicKey,
        private: aws_lc_rs::signature::RsaKeyPair,
        pem: &'static str,
    },
}

/// The keys that are trusted, the current one last, and somebody else's.
pub fn keys(row: &Row) -> (Vec<Key>, Key) {
    macro_rules! pem {
        ($name:literal) => {
            include_str!(concat!("../../tests/keys/", $name, ".pem"))
        };
    }
    let ed25519 = |pem| Key::Ed25519(DecodePrivateKey::from_pkcs8_pem(pem).expect("a key"));
    let p256 = |pem| {
        let key = p256::SecretKey::from_pkcs8_pem(pem).expect("a key");
        Key::P256(key.into())
    };
    let rsa = |pem| {
        use rsa::pkcs8::DecodePrivateKey;
        let key = rsa::RsaPrivateKey::from_pkcs8_pem(pem).expect("a key");
        let der = rsa::pkcs8::SecretDocument::from_pem(pem).expect("a key").1;
        Key::Rsa {
            public: key.to_public_key(),
            private: aws_lc_rs::signature::RsaKeyPair::from_pkcs8(der.as_bytes()).expect("a key"),
            pem,
        }
    };
    match row.proof {
        Proof::Hmac(_) | Proof::Hash(_) | Proof::Token => (
            TEXTS[..2].iter().map(|text| Key::Secret(text)).collect(),
            Key::Secret(TEXTS[2]),
        ),
        Proof::Ed25519 => (
            vec![
                Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[7; 32])),
                ed25519(pem!("ed25519_1")),
            ],
            ed25519(pem!("ed25519_2")),
        ),
        Proof::P256 => (
            vec![
                Key::P256(p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key")),
                p256(pem!("p256_1")),
            ],
            p256(pem!("p256_2")),
        ),
        Proof::Rsa => (vec![rsa(pem!("rsa_1"))], rsa(pem!("rsa_2"))),
    }
}

impl Key {
    /// What a receiver is given: the secret or the public key.
    pub fn verifying(&self, form: KeyForm) -> String {
        let bytes = match self {
            Self::Secret(text) => text.as_bytes().to_vec(),
            Self::Ed25519(key) => key.verifying_key().to_bytes().to_vec(),
            Self::P256(key) => {
                let der = key.verifying_key().to_public_key_der();
                der.expect("a public key").into_vec()
            }
            Self::Rsa { public, .. } => {
                use rsa::pkcs8::EncodePublicKey;
                let der = public.to_public_key_der();
                der.expect("a public key").into_vec()
            }
        };
        match form {
            KeyForm::Text => String::from_utf8(bytes).expect("a text"),
            KeyForm::Hex => Encoding::Hex.write(&bytes),
            KeyForm::Base64(prefix) => format!("{prefix}{}", STANDARD.encode(bytes)),
            KeyForm::Pem => format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                STANDARD.encode(bytes)
            ),
        }
    }

    /// What the crate's signer is given: the secret or the private key.
    pub fn signing(&self, form: KeyForm) -> String {
        let pem = match self {
            Self::Secret(_) => return self.verifying(form),
            Self::Ed25519(key) => key.to_pkcs8_pem(LineEnding::LF),
            Self::P256(key) => p256::SecretKey::from(key).to_pkcs8_pem(LineEnding::LF),
            Self::Rsa { pem, .. } => return (*pem).to_owned(),
        };
        pem.expect("a private key").to_string()
    }

    /// The genuine signature or token as text.
    pub fn sign(&self, row: &Row, content: &Content) -> String {
        let bytes = match self {
            Self::Secret(text) => match row.proof {
                Proof::Token => text.as_bytes().to_vec(),
                Proof::Hmac(hash) => hmac(hash, text.as_bytes(), &content.before),
                Proof::Hash(hash) => {
                    let content = [&content.before, text.as_bytes(), &content.after].concat();
                    digest(hash, &content)
                }
                other => panic!("{other:?} with a secret"),
            },
            Self::Ed25519(key) => {
                use ed25519_dalek::Signer;
                key.sign(&content.before).to_bytes().to_vec()
            }
            Self::P256(key) => {
                use p256::ecdsa::signature::Signer;
                let signature: p256::ecdsa::Signature = key.sign(&content.before);
                signature.to_der().as_bytes().to_vec()
            }
            Self::Rsa { private, .. } => {
                let mut signature = vec![0; private.public_modulus_len()];
                let random = aws_lc_rs::rand::SystemRandom::new();
                let kind = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
                let signed = private.sign(kind, &random, &content.before, &mut signature);
                signed.expect("a signature");
                signature
            }
        };
        row.encoding.write(&bytes)
    }

    /// Whether `signature` is this key's over `content`. Where there is one
    /// genuine signature, texts are compared with its text.
    pub fn verifies(&self, row: &Row, content: &Content, signature: &[u8]) -> bool {
        let decoded = || {
            let text = str::from_utf8(signature).ok()?;
            row.encoding.read(text)
        };
        match self {
            Self::Secret(_) => {
                let genuine = self.sign(row, content);
                match row.encoding {
                    Encoding::Hex => signature.eq_ignore_ascii_case(genuine.as_bytes()),
                    _ => signature == genuine.as_bytes(),
                }
            }
            Self::Ed25519(key) => decoded().is_some_and(|bytes| {
                let signature = ed25519_dalek::Signature::from_slice(&bytes);
                signature.is_ok_and(|signature| {
                    let key = key.verifying_key();
                    key.verify_strict(&content.before, &signature).is_ok()
                })
            }),
            Self::P256(key) => decoded().is_some_and(|bytes| {
                use p256::ecdsa::signature::Verifier;
                let signature = p256::ecdsa::Signature::from_der(&bytes);
                signature.is_ok_and(|signature| {
                    let key = key.verifying_key();
                    key.verify(&content.before, &signature).is_ok()
                })
            }),
            Self::Rsa { public, .. } => decoded().is_some_and(|bytes| {
                let digest = Sha256::digest(&content.before);
                public.verify(pkcs1_sha256(), &digest, &bytes).is_ok()
            }),
        }
    }
}

/// What is signed; for a plain hash, before and after the secret.
#[derive(Default)]
pub struct Content {
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

impl Encoding {
    pub fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
            Self::Text => String::from_utf8(bytes.to_vec()).expect("a text"),
        }
    }

    /// The bytes that are written like this and, but for the case of hex, not
    /// otherwise.
    fn read(self, text: &str) -> Option<Vec<u8>> {
        let bytes = match self {
            Self::Hex => {
                let digit = |c: char| Some(c.to_digit(16)? as u8);
                let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>()?;
                digits
                    .chunks(2)
                    .map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0))
                    .collect()
            }
            Self::Base64 => STANDARD.decode(text).ok()?,
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text).ok()?,
            Self::Text => text.as_bytes().to_vec(),
        };
        self.write(&bytes)
            .eq_ignore_ascii_case(text)
            .then_some(bytes)
    }
}

pub fn hmac(hash: Hash, key: &[u8], content: &[u8]) -> Vec<u8> {
    fn tag<M: Mac + KeyInit>(key: &[u8], content: &[u8]) -> Vec<u8> {
        let mac = <M as KeyInit>::new_from_slice(key).expect("a key");
        mac.chain_update(content).finalize().into_bytes().to_vec()
    }
    match hash {
        Hash::Sha1 => tag::<Hmac<Sha1>>(key, content),
        Hash::Sha256 => tag::<Hmac<Sha256>>(key, content),
        Hash::Sha512 => tag::<Hmac<Sha512>>(key, content),
    }
}

pub fn digest(hash: Hash, content: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha1 => Sha1::digest(content).to_vec(),
        Hash::Sha256 => Sha256::digest(content).to_vec(),
        Hash::Sha512 => Sha512::digest(content).to_vec(),
    }
}

/// RFC 8017 section 9.2, note 1.
fn pkcs1_sha256() -> rsa::Pkcs1v15Sign {
    let prefix: &[u8] =
        b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    rsa::Pkcs1v15Sign {
        hash_len: Some(32),
        prefix: prefix.into(),
    }
}
