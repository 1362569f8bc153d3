//! Certificates made for a test, and who fetches them.

use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use tower_webhook::keys::{KeyError, KeyFuture, KeyResolver};
use tower_webhook::signature::{Grammar, KeyName, PublicKey, PublicKeyAlgorithm, Scheme, Source};
use tower_webhook::testing::Signer;

/// The key that genuine requests are signed with.
const KEY: &str = include_str!("../../keys/rsa_1.pem");

/// RSA with SHA-256 over `content`, in base64.
pub fn sign(content: &str) -> String {
    let scheme = Scheme::public_key("signer", PublicKeyAlgorithm::RsaPkcs1Sha256)
        .with_signature(Source::header("signature"), Grammar::Plain);
    let signed = Signer::new(scheme, KEY)
        .unwrap()
        .sign("/", content.to_owned());
    let signature = signed.headers()["signature"].to_str();
    signature.unwrap().to_owned()
}

/// A certificate for [`KEY`].
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub name: &'static str,
    /// Years: the first day of each.
    pub valid: (i32, i32),
    pub usage: Usage,
}

#[derive(Clone, Copy, Debug)]
pub enum Usage {
    Server,
    Client,
}

impl Made {
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            valid: (2020, 2030),
            usage: Usage::Server,
        }
    }

    fn params(self) -> CertificateParams {
        let mut params = CertificateParams::new([self.name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(self.valid.0, 1, 1);
        params.not_after = date_time_ymd(self.valid.1, 1, 1);
        params
            .distinguished_name
            .push(DnType::CommonName, self.name);
        params.extended_key_usages = vec![match self.usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params
    }

    pub fn self_signed(self) -> String {
        let key = KeyPair::from_pem(KEY).unwrap();
        self.params().self_signed(&key).unwrap().pem()
    }

    pub fn issued_by(self, issuer: &Authority) -> String {
        let key = KeyPair::from_pem(KEY).unwrap();
        self.params().signed_by(&key, &issuer.0).unwrap().pem()
    }
}

/// Who issues certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn root(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(authority(name), key).unwrap())
    }

    pub fn under(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(authority(name), key, &self.0).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

/// Answers every URL with one certificate, and remembers what it was asked.
#[derive(Debug)]
pub struct Fetcher {
    pem: String,
    pub asked: Mutex<Vec<KeyName>>,
}

impl Fetcher {
    pub fn new(pem: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            pem: pem.into(),
            asked: Mutex::new(Vec::new()),
        })
    }

    pub fn fetches(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl KeyResolver for Fetcher {
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(name.clone());
            PublicKey::from_certificate_pem(self.pem.as_bytes())
                .map(Some)
                .map_err(KeyError::new)
        })
    }
}
