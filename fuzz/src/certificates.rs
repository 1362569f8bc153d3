//! Certificates that may sign for SNS or PayPal, and such that may not.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, date_time_ymd,
};

use crate::keys::{Content, Key, keys};
use crate::row::Row;

/// A chain, and whether it may sign for SNS and for PayPal.
pub struct Chain {
    pub der: Vec<Vec<u8>>,
    pub sns: bool,
    pub paypal: bool,
}

pub struct Certificates {
    pub root: String,
    pub chains: Vec<Chain>,
}

pub static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| {
    let key = |pem| KeyPair::from_pem(pem).expect("a key");
    let ours = key(include_str!("../../tests/keys/rsa_1.pem"));
    let authority = |pem| {
        let mut params = CertificateParams::new(["root.test".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = key(pem);
        let certificate = params.self_signed(&key).expect("a certificate");
        (certificate, Issuer::new(params, key))
    };
    let (root, issuer) = authority(include_str!("../../tests/keys/p256_1.pem"));
    let (_, stranger) = authority(include_str!("../../tests/keys/p256_2.pem"));
    let leaf = |name: &str, from: i32, until: i32, issuer: &Issuer<'_, KeyPair>| -> Certificate {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.signed_by(&ours, issuer).expect("a certificate")
    };
    let chain = |leaf: Certificate, sns, paypal| Chain {
        der: vec![leaf.der().to_vec(), root.der().to_vec()],
        sns,
        paypal,
    };
    let chains = vec![
        chain(leaf("sns.amazonaws.com", 2020, 2040, &issuer), true, false),
        chain(
            leaf("messages.paypal.com", 2020, 2040, &issuer),
            false,
            true,
        ),
        chain(leaf("sns.amazonaws.com", 2020, 2021, &issuer), false, false),
        chain(
            leaf("messages.paypal.com", 2020, 2021, &issuer),
            false,
            false,
        ),
        chain(leaf("sns.amazonaws.com", 2030, 2040, &issuer), false, false),
        chain(
            leaf("messages.paypal.com", 2030, 2040, &issuer),
            false,
            false,
        ),
        // AWS does not say who issues, so that is not judged.
        chain(
            leaf("sns-us-east-1.amazonaws.com", 2020, 2040, &stranger),
            true,
            false,
        ),
        chain(
            leaf("messages.paypal.com", 2020, 2040, &stranger),
            false,
            false,
        ),
        chain(
            leaf("sns.amazonaws.com.evil.test", 2020, 2040, &issuer),
            false,
            false,
        ),
        chain(
            leaf("messages-paypal.com", 2020, 2040, &issuer),
            false,
            false,
        ),
        chain(
            leaf("sns-eu-west-1.amazonaws.com", 2020, 2040, &issuer),
            false,
            false,
        ),
        chain(
            leaf("paypal.com.evil.test", 2020, 2040, &issuer),
            false,
            false,
        ),
    ];
    Certificates {
        root: root.pem(),
        chains,
    }
});

/// The key of all the certificates.
static KEY: LazyLock<Key> = LazyLock::new(|| keys(&row()).0.pop().expect("a key"));

fn row() -> Row {
    Row::read("t | rsa | pem | header t | plain | base64 | {body} | - | -")
}

/// The signature of the key of all the certificates.
pub fn sign(content: &str) -> String {
    let content = Content {
        before: content.as_bytes().to_vec(),
        after: Vec::new(),
    };
    KEY.sign(&row(), &content)
}

/// ISO 3309, a bit at a time.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        rest ^= u32::from(*byte);
        for _ in 0..8 {
            rest = rest >> 1 ^ if rest & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    !rest
}
