//! How long and how exact what a token says may be.

use http::Request;
use tower_webhook::signature::{Jwt, JwtAlgorithm, Scheme};
use tower_webhook::{RejectionKind, Verifier};

use super::now;
use crate::support::NOW;
use crate::support::jwt::{hs256, token};

fn judge(token: &str) -> Result<(), RejectionKind> {
    let scheme = Scheme::jwt("acme", Jwt::bearer(JwtAlgorithm::Hs256));
    let verifier = Verifier::new(scheme, "secret").unwrap();
    let request = Request::post("/hook").header("authorization", format!("Bearer {token}"));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let verified = verifier.verify(&parts, b"", NOW);
    verified.map(drop).map_err(|rejection| rejection.kind())
}

fn signed(header: &str, claims: &str) -> String {
    token(header, claims, hs256(b"secret"))
}

#[test]
fn a16_a_kid_has_1_to_256_bytes() {
    let with_id = |id: &str| {
        let header = format!(r#"{{"alg":"HS256","kid":"{id}"}}"#);
        judge(&signed(&header, "{}"))
    };
    assert_eq!(with_id("k"), Ok(()));
    assert_eq!(with_id(&"k".repeat(256)), Ok(()));
    for id in ["", &"k".repeat(257)] {
        assert_eq!(with_id(id), Err(RejectionKind::UnexpectedHeader), "{id}");
    }
}

#[test]
fn a_token_of_16_kib_is_read_and_none_that_is_longer() {
    // In base64, some lengths are none of any text.
    let of_length = |length: usize| {
        let tokens = (0..3_usize).flat_map(|more| {
            let header = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(more + 1));
            let padded = length * 3 / 4 - 100;
            (padded..padded + 100).map(move |padding| {
                let claims = format!(r#"{{"a":"{}"}}"#, "a".repeat(padding));
                signed(&header, &claims)
            })
        });
        let mut fitting = tokens.filter(|token| token.len() == length);
        fitting.next().unwrap()
    };
    assert_eq!(judge(&of_length(16 * 1024)), Ok(()));
    let longer = judge(&of_length(16 * 1024 + 1));
    assert_eq!(longer, Err(RejectionKind::MalformedSignature));
}

/// RFC 7519 section 2. The leeway is 60 seconds.
#[test]
fn b3_a_time_may_have_a_fraction() {
    let expiring = |time: String| {
        judge(&signed(
            r#"{"alg":"HS256"}"#,
            &format!(r#"{{"exp":{time}}}"#),
        ))
    };
    let old = Err(RejectionKind::TimestampTooOld);
    assert_eq!(expiring(format!("{}.5", now() - 60)), Ok(()));
    assert_eq!(expiring(format!("{}.5", now() - 61)), old);
    assert_eq!(expiring("1.7e9".to_owned()), Ok(()));
}
