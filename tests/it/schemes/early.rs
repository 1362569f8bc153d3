//! What the headers alone decide: no body is awaited that could not count.

use http::request::Parts;
use http::{HeaderValue, Request};
use tower_webhook::client_ip::{ClientIp, TrustedProxies};
use tower_webhook::signature::{Grammar, Hash, Part, PublicUrl, Scheme, Source, UrlForm};
use tower_webhook::{RejectionKind, Verifier};

use crate::support::{NOW, SECRET};

fn refused_at_once(scheme: Scheme, parts: &Parts) -> Option<RejectionKind> {
    let verifier = Verifier::new(scheme, SECRET).unwrap();
    let begun = verifier.begin(parts, NOW);
    begun.err().map(|rejection| rejection.kind())
}

fn acme() -> Scheme {
    Scheme::hmac("acme", Hash::Sha256).with_signature(Source::header("x-signature"), Grammar::Plain)
}

fn signed() -> Parts {
    let request = Request::post("/hook").header("x-signature", "0".repeat(64));
    request.body(()).unwrap().into_parts().0
}

#[test]
fn a_signed_header_that_is_missing_or_repeated() {
    let scheme = acme().with_content([Part::header("x-nonce"), Part::Body]);
    let mut parts = signed();
    let missing = refused_at_once(scheme.clone(), &parts);
    assert_eq!(missing, Some(RejectionKind::MissingSignedValue));
    let nonce = HeaderValue::from_static("1");
    parts.headers.append("x-nonce", nonce.clone());
    assert_eq!(refused_at_once(scheme.clone(), &parts), None);
    parts.headers.append("x-nonce", nonce);
    let repeated = refused_at_once(scheme, &parts);
    assert_eq!(repeated, Some(RejectionKind::MalformedSignedValue));
}

#[test]
fn g2_a_signed_url_that_no_trusted_proxy_vouches_for() {
    let signs = |url| {
        acme()
            .with_public_url(url)
            .with_content([Part::Url(UrlForm::AsIs), Part::Body])
    };
    let known = PublicUrl::base("https://example.com").unwrap();
    assert_eq!(refused_at_once(signs(known), &signed()), None);
    let proxies = TrustedProxies::x_forwarded_for(["10.0.0.0/8"]).unwrap();
    let proxies = proxies.with_host_header("x-forwarded-host").unwrap();
    let behind = PublicUrl::behind(ClientIp::behind(proxies)).unwrap();
    let refused = refused_at_once(signs(behind), &signed());
    assert_eq!(refused, Some(RejectionKind::PublicUrlUnknown));
}

#[cfg(feature = "jwt")]
#[test]
fn b3_an_expired_token() {
    use crate::support::jwt::{hs256, token};
    use tower_webhook::signature::{Jwt, JwtAlgorithm};

    let scheme = Scheme::jwt("acme", Jwt::bearer(JwtAlgorithm::Hs256).with_expiry());
    for (after, expected) in [(1, None), (-3600, Some(RejectionKind::TimestampTooOld))] {
        let claims = format!(r#"{{"exp":{}}}"#, NOW.unix_seconds() + after);
        let token = token(r#"{"alg":"HS256"}"#, &claims, hs256(SECRET.as_bytes()));
        let request = Request::post("/hook").header("authorization", format!("Bearer {token}"));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(refused_at_once(scheme.clone(), &parts), expected, "{after}");
    }
}
