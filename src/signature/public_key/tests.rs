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

/// Of 2040 bits, in 293 bytes.
const SMALL_RSA: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIIBITANBgkqhkiG9w0BAQEFAAOCAQ4AMIIBCQKCAQAAuIgu/AUQswznN0g2hDUK\n\
rgIice08WX/5WieeCxvhDFsvvp2tQ7ghRGg+TnBplPTxCJR+bwwozjwldr6owc5L\n\
qb/l9yyZAidKQZ8LrLGLIeZPm9NMGRu3KUXDhTr0jddP7LfkBN3+NsqWfJim6l8H\n\
5D197JBCI2ipistAuIZ8jslK+5EdScgdyD6i2FR3+jFGodQbmmKT3eoyme1p6vf6\n\
3pRyVgreoC/nesnLhqiUc2j9/JRnIbTU7wfaRxI0RD6UqlifQWxMmvKFKJ7HRREa\n\
CrNcFWjUa8dzM/UcCAyd+38bw4jPZGZuKsH+CChYrRnWOUFmps4FwQ1B76rDkFgT\n\
AgMBAAE=\n\
-----END PUBLIC KEY-----\n";

/// Otherwise the verifier is built, and then refuses every request.
#[test]
fn a15_an_rsa_key_that_is_a_little_too_small_is_refused_at_once() {
    let key = PublicKey::from_pem(SMALL_RSA).unwrap();
    for algorithm in [
        PublicKeyAlgorithm::RsaPkcs1Sha1,
        PublicKeyAlgorithm::RsaPkcs1Sha256,
        PublicKeyAlgorithm::RsaPssSha512,
    ] {
        assert!(key.prepared_for(algorithm).is_err(), "{algorithm:?}");
    }
}
