//! A secret for each kind of scheme.

use tower_webhook::Secret;
use tower_webhook::signature::{Algorithm, PublicKeyAlgorithm, Scheme};
use tower_webhook::testing::Signer;

macro_rules! pair {
    ($kind:literal) => {
        [
            include_str!(concat!("../../keys/", $kind, "_1.pem")),
            include_str!(concat!("../../keys/", $kind, "_2.pem")),
        ]
    };
}

/// Hex, base64 and plain text, so that every secret encoding takes it.
const SECRETS: [&str; 2] = [
    "73656372657420736563726574207365",
    "736f6d657468696e6720656c73652121",
];

fn secrets(scheme: &Scheme) -> [&'static str; 2] {
    match scheme.algorithm() {
        Algorithm::PublicKey(PublicKeyAlgorithm::Ed25519) => pair!("ed25519"),
        Algorithm::PublicKey(
            PublicKeyAlgorithm::EcdsaP256Sha256 | PublicKeyAlgorithm::EcdsaP256Sha256Fixed,
        ) => pair!("p256"),
        Algorithm::PublicKey(_) => pair!("rsa"),
        _ => SECRETS,
    }
}

/// Signs with the secret, or the private key, that the tests' provider has.
pub fn sender(scheme: &Scheme) -> Signer {
    Signer::new(scheme.clone(), secrets(scheme)[0]).unwrap()
}

/// Signs with somebody else's.
pub fn impostor(scheme: &Scheme) -> Signer {
    Signer::new(scheme.clone(), secrets(scheme)[1]).unwrap()
}

/// What somebody else's requests are verified with.
pub fn other_verifying_secret(scheme: &Scheme) -> Secret {
    match scheme.algorithm() {
        Algorithm::PublicKey(_) => impostor(scheme).verifying_secret(),
        // Also for schemes that nothing signs because they are code.
        _ => Secret::new(SECRETS[1]),
    }
}
