use super::*;

const CONTENT: &[u8] = b"content";

fn pair(algorithm: PublicKeyAlgorithm, pem: &str) -> KeyPair {
    KeyPair::new(algorithm, pem.as_bytes()).unwrap()
}

/// Read in advance for one algorithm, a key is still judged by the one that is
/// asked for.
#[test]
fn a15_a_key_that_was_read_for_one_algorithm_is_used_with_the_one_asked_for() {
    use PublicKeyAlgorithm::{EcdsaP256Sha256 as Der, EcdsaP256Sha256Fixed as Fixed};

    let pem = include_str!("../../../tests/keys/p256_1.pem");
    for (read_for, asked) in [(Der, Fixed), (Fixed, Der), (Der, Der), (Fixed, Fixed)] {
        let key = PublicKey::from_bytes(pair(asked, pem).public_key(false).unwrap());
        let key = key.prepared_for(read_for).unwrap();
        for signs in [Der, Fixed] {
            let signature = pair(signs, pem).sign(CONTENT).unwrap();
            let verified = key.verifies(asked, CONTENT, &signature);
            assert_eq!(verified, signs == asked, "{read_for:?} {asked:?} {signs:?}");
        }
    }
}

#[test]
fn a_key_pair_shows_its_public_half_in_both_forms() {
    let pem = include_str!("../../../tests/keys/ed25519_1.pem");
    let pair = pair(PublicKeyAlgorithm::Ed25519, pem);
    let raw = pair.public_key(true).unwrap();
    assert_eq!(raw.len(), 32);
    // RFC 8410 section 4.
    let der = [
        &[
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0,
        ],
        raw.as_slice(),
    ];
    assert_eq!(pair.public_key(false).unwrap(), der.concat());
}
