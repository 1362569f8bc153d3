//! `Content-Digest` (RFC 9530 section 2).

use sfv::BareItemFromInput;
use sha2::{Digest, Sha256, Sha512};

use super::fields::{Value, dictionary};
use crate::rejection::{Rejection, RejectionKind};

pub(super) const CONTENT_DIGEST: &str = "content-digest";

/// Whether the digests in `field` are those of `body`.
///
/// Digests by algorithms that RFC 9530 registers as insecure, and unknown ones,
/// are skipped; one by SHA-256 or SHA-512 must be there.
pub(super) fn check(field: &[u8], body: &[u8]) -> Result<(), Rejection> {
    let reject = |kind| Rejection::new(kind).with_detail(CONTENT_DIGEST);
    let malformed = || reject(RejectionKind::MalformedSignedValue);
    let mut found = false;
    for member in dictionary(field).map_err(|_| malformed())? {
        let Value::Item(BareItemFromInput::ByteSequence(stated)) = &member.value else {
            return Err(malformed());
        };
        // Not secret: both are on the wire.
        let holds = match member.key {
            "sha-256" => stated.as_slice() == Sha256::digest(body).as_slice(),
            "sha-512" => stated.as_slice() == Sha512::digest(body).as_slice(),
            _ => continue,
        };
        if !holds {
            return Err(reject(RejectionKind::SignatureMismatch));
        }
        found = true;
    }
    match found {
        true => Ok(()),
        false => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530 section 2 and appendix B.
    const BODY: &[u8] = br#"{"hello": "world"}"#;
    const SHA_512: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    const SHA_256: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";

    fn kind(field: &str, body: &[u8]) -> Option<RejectionKind> {
        check(field.as_bytes(), body)
            .err()
            .map(|rejection| rejection.kind())
    }

    #[test]
    fn every_known_digest_must_hold() {
        let both = format!("{SHA_256}, {SHA_512}");
        let with_unknown = format!("md5=:AAAA:, {SHA_256}, unixsum=:AA==:");
        for field in [SHA_256, SHA_512, &both, &with_unknown] {
            assert_eq!(kind(field, BODY), None, "{field}");
            let other = kind(field, b"{}");
            assert_eq!(other, Some(RejectionKind::SignatureMismatch), "{field}");
        }
        let one_wrong = format!("{SHA_256}, sha-512=:AAAA:");
        assert_eq!(
            kind(&one_wrong, BODY),
            Some(RejectionKind::SignatureMismatch)
        );
    }

    #[test]
    fn what_holds_no_known_digest_is_refused() {
        let twice = format!("{SHA_256}, {SHA_256}");
        for field in [
            "",
            "md5=:AAAA:",
            "sha-256",
            "sha-256=abc",
            "sha-256=\"abc\"",
            "sha-256=(:AAAA:)",
            "SHA-256=:AAAA:",
            "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=",
            &twice,
        ] {
            let refused = kind(field, BODY);
            assert_eq!(
                refused,
                Some(RejectionKind::MalformedSignedValue),
                "{field}"
            );
        }
    }
}
