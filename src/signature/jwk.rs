//! Public keys as JSON Web Keys (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::object::object;
use super::public_key::{PublicKey, PublicKeyAlgorithm, PublicKeyError, Terms};
use crate::Timestamp;

impl PublicKey {
    /// A key as a JSON Web Key: RSA (RFC 7518 section 6.3), P-256 (section
    /// 6.2) or Ed25519 (RFC 8037 section 2).
    ///
    /// `use`, `key_ops` and `alg` count where they are there. `expired_at`,
    /// which is Plaid's and in seconds since the epoch, becomes
    /// [`expires_at`](Self::expires_at).
    ///
    /// # Errors
    ///
    /// If it is no such key, or not one for signatures: an RSA key of less
    /// than 2048 bits, a point that is not on the curve.
    pub fn from_jwk(json: &[u8]) -> Result<Self, PublicKeyError> {
        let jwk = object(json).ok_or(PublicKeyError(()))?;
        from_object(&jwk).ok_or(PublicKeyError(()))
    }
}

/// The keys of a JWK set that have a `kid` and can verify signatures. Others
/// are left out (RFC 7517 section 5); of two with one `kid`, the first counts.
pub(crate) fn jwk_set(json: &[u8]) -> Result<Vec<(String, PublicKey)>, PublicKeyError> {
    let set = object(json).ok_or(PublicKeyError(()))?;
    let Some(Value::Array(jwks)) = set.get("keys") else {
        return Err(PublicKeyError(()));
    };
    let mut keys: Vec<(String, PublicKey)> = Vec::new();
    for jwk in jwks.iter().filter_map(Value::as_object) {
        let Some(id) = text(jwk, "kid") else { continue };
        if keys.iter().any(|(other, _)| other == id) {
            continue;
        }
        if let Some(key) = from_object(jwk) {
            keys.push((id.to_owned(), key));
        }
    }
    match keys.is_empty() {
        true => Err(PublicKeyError(())),
        false => Ok(keys),
    }
}

/// The key that an object holds; `None` if it cannot verify signatures.
pub(crate) fn from_object(jwk: &Map<String, Value>) -> Option<PublicKey> {
    is_for_verification(jwk).then_some(())?;
    let (bytes, by_type) = match text(jwk, "kty")? {
        "RSA" => (
            rsa_public_key(&decoded(jwk, "n")?, &decoded(jwk, "e")?)?,
            PublicKeyAlgorithm::RsaPkcs1Sha256,
        ),
        "EC" if text(jwk, "crv") == Some("P-256") => {
            let (x, y) = (coordinate(jwk, "x")?, coordinate(jwk, "y")?);
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            (point, PublicKeyAlgorithm::EcdsaP256Sha256Fixed)
        }
        "OKP" if text(jwk, "crv") == Some("Ed25519") => {
            (coordinate(jwk, "x")?.to_vec(), PublicKeyAlgorithm::Ed25519)
        }
        _ => return None,
    };
    let only = match jwk.get("alg") {
        None | Some(Value::Null) => None,
        Some(alg) => Some(match alg.as_str()? {
            "RS256" => PublicKeyAlgorithm::RsaPkcs1Sha256,
            "PS512" => PublicKeyAlgorithm::RsaPssSha512,
            "ES256" => PublicKeyAlgorithm::EcdsaP256Sha256Fixed,
            "EdDSA" | "Ed25519" => PublicKeyAlgorithm::Ed25519,
            _ => return None,
        }),
    };
    let expires_at = match jwk.get("expired_at") {
        None | Some(Value::Null) => None,
        Some(seconds) => Some(Timestamp::from_unix_seconds(seconds.as_i64()?)),
    };
    PublicKey::from_bytes(bytes)
        .with_terms(Terms { only, expires_at })
        .prepared_for(only.unwrap_or(by_type))
        .ok()
}

/// RFC 7517 sections 4.2 and 4.3.
fn is_for_verification(jwk: &Map<String, Value>) -> bool {
    let signs = jwk.get("use").is_none_or(|usage| usage == "sig");
    let verifies = jwk.get("key_ops").is_none_or(|operations| {
        let mut operations = operations.as_array().into_iter().flatten();
        operations.any(|operation| operation == "verify")
    });
    signs && verifies
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Option<&'j str> {
    jwk.get(name)?.as_str()
}

fn decoded(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}

/// RFC 7518 section 6.2.1.2: the full size of a coordinate.
fn coordinate(jwk: &Map<String, Value>, name: &str) -> Option<[u8; 32]> {
    decoded(jwk, name)?.try_into().ok()
}

/// `RSAPublicKey` of RFC 8017 appendix A.1.1 in DER.
fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    const SEQUENCE: u8 = 0x30;
    let numbers = [integer(modulus)?, integer(exponent)?].concat();
    tagged(SEQUENCE, &numbers)
}

fn integer(bytes: &[u8]) -> Option<Vec<u8>> {
    const INTEGER: u8 = 0x02;
    let start = bytes.iter().position(|byte| *byte != 0)?;
    let bytes = bytes.get(start..)?;
    // One whose first bit is set would be negative.
    match bytes.first()? & 0x80 {
        0 => tagged(INTEGER, bytes),
        _ => tagged(INTEGER, &[&[0], bytes].concat()),
    }
}

fn tagged(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    Some([header.as_slice(), content].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8037 appendix A.2 and A.4.
    const ED25519: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    // RFC 7515 appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    // RFC 7515 appendix A.2.
    const RSA: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// The signatures that stand beside the keys in the RFCs.
    #[test]
    fn the_keys_of_the_rfcs_verify_their_signatures() {
        let content = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let key = PublicKey::from_jwk(ED25519.as_bytes()).unwrap();
        assert!(key.verifies(
            PublicKeyAlgorithm::Ed25519,
            content.as_bytes(),
            &decode(signature)
        ));

        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let content = format!("eyJhbGciOiJFUzI1NiJ9.{payload}");
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let key = PublicKey::from_jwk(P256.as_bytes()).unwrap();
        assert!(key.verifies(
            PublicKeyAlgorithm::EcdsaP256Sha256Fixed,
            content.as_bytes(),
            &decode(signature)
        ));

        let content = format!("eyJhbGciOiJSUzI1NiJ9.{payload}");
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let key = PublicKey::from_jwk(RSA.as_bytes()).unwrap();
        let signature = decode(signature);
        let algorithm = PublicKeyAlgorithm::RsaPkcs1Sha256;
        assert!(key.verifies(algorithm, content.as_bytes(), &signature));
        assert!(!key.verifies(algorithm, b"another", &signature));
    }

    #[test]
    fn what_is_no_signing_key_is_refused() {
        let with = |more: &str| P256.replacen('{', &format!("{{{more},"), 1);
        assert!(PublicKey::from_jwk(with(r#""use":"sig""#).as_bytes()).is_ok());
        assert!(PublicKey::from_jwk(with(r#""key_ops":["verify"]"#).as_bytes()).is_ok());
        for text in [
            with(r#""use":"enc""#),
            with(r#""use":1"#),
            with(r#""key_ops":["sign"]"#),
            with(r#""key_ops":"verify""#),
            with(r#""alg":"HS256""#),
            with(r#""alg":"RS256""#),
            with(r#""alg":7"#),
            with(r#""expired_at":"soon""#),
            with(r#""kty":"EC""#),
            P256.replace("P-256", "P-384"),
            ED25519.replace("Ed25519", "X25519"),
            P256.replace("f83O", "f83P"),
            P256.replace("\"f83O", "\"AAf83O"),
            RSA.replace("AQAB", "AA"),
            RSA.replace("AQAB", "AQAB="),
            RSA.replace("AQAB", ""),
            ED25519.replace("URo", ""),
            r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#.to_owned(),
            "[]".to_owned(),
        ] {
            assert!(PublicKey::from_jwk(text.as_bytes()).is_err(), "{text}");
        }
        // 1024 bits.
        let short = RSA.replace(RSA.split('"').nth(7).unwrap(), &"q".repeat(171));
        assert!(PublicKey::from_jwk(short.as_bytes()).is_err());
    }

    #[test]
    fn a_key_may_name_its_algorithm() {
        for (key, name) in [
            (RSA, "RS256"),
            (RSA, "PS512"),
            (P256, "ES256"),
            (ED25519, "EdDSA"),
            (ED25519, "Ed25519"),
        ] {
            let key = key.replacen('{', &format!(r#"{{"alg":"{name}","#), 1);
            assert!(PublicKey::from_jwk(key.as_bytes()).is_ok(), "{name}");
        }
    }

    /// ITU-T X.690 section 10.1: in as few bytes as possible.
    #[test]
    fn a_length_is_written_in_its_shortest_form() {
        for (length, header) in [
            (0x7f, &[2, 0x7f][..]),
            (0x80, &[2, 0x81, 0x80]),
            (0xff, &[2, 0x81, 0xff]),
            (0x100, &[2, 0x82, 1, 0]),
        ] {
            let content = vec![1; length];
            let expected = [header, &content].concat();
            assert_eq!(tagged(2, &content), Some(expected), "{length}");
        }
    }

    #[test]
    fn a15_a_key_for_one_algorithm_verifies_no_other() {
        let key = RSA.replacen('{', r#"{"alg":"PS512","#, 1);
        let key = PublicKey::from_jwk(key.as_bytes()).unwrap();
        let content = b"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = decode(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        );
        assert!(!key.verifies(PublicKeyAlgorithm::RsaPkcs1Sha256, content, &signature));
    }

    #[test]
    fn a_set_leaves_out_what_it_cannot_use() {
        let named = |jwk: &str, id: &str| jwk.replacen('{', &format!("{{\"kid\":\"{id}\","), 1);
        let set = format!(
            r#"{{"keys":[{},{},{},{},{},7]}}"#,
            named(P256, "a"),
            named(RSA, "b"),
            ED25519,
            named(r#"{"kty":"AKP"}"#, "c"),
            named(ED25519, "a"),
        );
        let keys = jwk_set(set.as_bytes()).unwrap();
        let ids: Vec<_> = keys.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        for none in [
            "{}",
            r#"{"keys":[]}"#,
            r#"{"keys":{}}"#,
            "<html>",
            r#"{"keys":[],"keys":[]}"#,
        ] {
            assert!(jwk_set(none.as_bytes()).is_err(), "{none}");
        }
    }

    #[test]
    fn plaids_expiry_is_kept() {
        let key = |at: &str| P256.replacen('{', &format!("{{\"expired_at\":{at},"), 1);
        let expiry = |at| {
            PublicKey::from_jwk(key(at).as_bytes())
                .unwrap()
                .expires_at()
        };
        assert_eq!(expiry("null"), None);
        assert_eq!(
            expiry("1700000000"),
            Some(Timestamp::from_unix_seconds(1_700_000_000))
        );
    }
}
