//! Verification with public keys against the bare check of aws-lc-rs.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::Signer;
use tower_webhook::{Timestamp, Verifier, provider};

use crate::turns::{case, measure};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const SIZE: usize = 1024;

struct Kind {
    name: &'static str,
    scheme: Scheme,
    private_key: &'static str,
    algorithm: &'static dyn VerificationAlgorithm,
    header: &'static str,
    /// What is signed in front of the body.
    before: &'static str,
}

pub fn run() {
    let kinds = [
        Kind {
            name: "Ed25519 (Telnyx)",
            scheme: provider::telnyx(),
            private_key: include_str!("../../tests/keys/ed25519_1.pem"),
            algorithm: &ED25519,
            header: "telnyx-signature-ed25519",
            before: "1700000000|",
        },
        Kind {
            name: "ECDSA P-256 (SendGrid)",
            scheme: provider::sendgrid(),
            private_key: include_str!("../../tests/keys/p256_1.pem"),
            algorithm: &ECDSA_P256_SHA256_ASN1,
            header: "x-twilio-email-event-webhook-signature",
            before: "1700000000",
        },
        Kind {
            name: "RSA-2048 (Wise)",
            scheme: provider::wise(),
            private_key: include_str!("../../tests/keys/rsa_1.pem"),
            algorithm: &RSA_PKCS1_2048_8192_SHA256,
            header: "x-signature-sha256",
            before: "",
        },
    ];
    println!("\nverification of 1 KiB with a public key ÷ the bare check (aws-lc-rs 1.19)\n");
    println!("| algorithm | bare check | verification |\n|---|---:|---:|");
    for kind in kinds {
        let signer = Signer::new(kind.scheme.clone(), kind.private_key)
            .unwrap()
            .at(NOW);
        let body = format!(r#"{{"x":"{}"}}"#, "x".repeat(SIZE - 8));
        let (parts, body) = signer.sign("/", body).into_parts();
        let key = signer.verifying_secret();
        let verifier = Verifier::new(kind.scheme, key.clone()).unwrap();

        let content = [kind.before.as_bytes(), &body].concat();
        let signature = STANDARD.decode(&parts.headers[kind.header]).unwrap();
        let bare = ParsedPublicKey::new(kind.algorithm, signer.public_key_der()).unwrap();
        let mut cases = [
            case(|| bare.verify_sig(&content, &signature).unwrap()),
            case(|| verifier.verify(&parts, &body, NOW).unwrap().timestamp()),
        ];
        let times = measure(&mut cases, None);
        println!(
            "| {} | {:.1} µs | {:.3}× |",
            kind.name,
            times.nanos(0) / 1000.0,
            times.ratio(1, 0)
        );
    }
}
