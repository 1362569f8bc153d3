//! Tokens, genuine and forged.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of these three parts.
pub fn token(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", b64(header), b64(claims));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

pub fn hs256(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |content| hmac::sign(&key, content).as_ref().to_vec()
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The provider's key for ES256.
pub fn ec() -> &'static EcdsaKeyPair {
    static KEY: OnceLock<EcdsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
}

pub fn es256(content: &[u8]) -> Vec<u8> {
    let signature = ec().sign(&SystemRandom::new(), content).unwrap();
    signature.as_ref().to_vec()
}

pub fn ec_jwk(id: &str) -> Value {
    let point = ec().public_key().as_ref();
    json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id,
        "x": b64(&point[1..33]), "y": b64(&point[33..]),
    })
}

/// The provider's key for RS256.
pub fn rsa() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

pub fn rs256(content: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; rsa().public_modulus_len()];
    rsa()
        .sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            content,
            &mut signature,
        )
        .unwrap();
    signature
}

pub fn rsa_jwk(id: &str) -> Value {
    // SEQUENCE, INTEGER with a leading zero and 256 bytes, INTEGER of 3 bytes.
    let der = rsa().public_key().as_ref();
    assert_eq!((der.len(), &der[265..267]), (270, &[2, 3][..]));
    json!({
        "kty": "RSA", "use": "sig", "kid": id,
        "n": b64(&der[9..265]), "e": b64(&der[267..]),
    })
}

pub fn jwk_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// The public key as everybody can have it, in DER and in PEM.
pub fn spki(
    key: &impl KeyPair<PublicKey: AsDer<aws_lc_rs::encoding::PublicKeyX509Der<'static>>>,
) -> (Vec<u8>, String) {
    let der = key.public_key().as_der().unwrap().as_ref().to_vec();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    (der, pem)
}
