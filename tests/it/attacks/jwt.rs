//! A15 and what else a token could try.

mod bounds;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Request};
use serde_json::{Value, json};
use tower_webhook::keys::{AsyncVerifier, MemoryKeys};
use tower_webhook::signature::{Encoding, Jwt, JwtAlgorithm, KeyName, PublicUrl, Scheme};
use tower_webhook::{RejectionKind, Secret, Verifier, provider};

use crate::support::NOW;
use crate::support::jwt::{
    b64, ec, ec_jwk, es256, hs256, jwk_set, rs256, rsa, rsa_jwk, sha256_hex, spki, token,
};
use crate::support::net::{Server, whole};
use crate::support::route::Route;

const BODY: &str = r#"{"webhook_type":"ITEM","webhook_code":"ERROR"}"#;
const ES256: &str = r#"{"alg":"ES256","kid":"kid-1","typ":"JWT"}"#;
const RS256: &str = r#"{"alg":"RS256","kid":"kid-1","typ":"JWT"}"#;
const AUDIENCE: &str = "https://example.com/pubsub";
const ACCOUNT: &str = "pusher@project.iam.gserviceaccount.com";

fn keys(jwks: &[Value]) -> Arc<MemoryKeys> {
    Arc::new(MemoryKeys::from_jwk_set(jwk_set(jwks).as_bytes()).unwrap())
}

fn plaid() -> AsyncVerifier {
    AsyncVerifier::with_keys(provider::plaid(), keys(&[ec_jwk("kid-1")])).unwrap()
}

fn plaid_claims(at: i64) -> Value {
    json!({"iat": at, "request_body_sha256": sha256_hex(BODY.as_bytes())})
}

fn plaid_request(token: &str) -> Request<Bytes> {
    request("plaid-verification", token, BODY)
}

fn request(header: &str, value: &str, body: &str) -> Request<Bytes> {
    Request::post("/hook")
        .header(header, value)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn now() -> i64 {
    NOW.unix_seconds()
}

fn genuine_plaid() -> String {
    token(ES256, &plaid_claims(now()).to_string(), es256)
}

#[tokio::test]
async fn a_genuine_token_is_accepted() {
    Route::new(plaid())
        .accepts(plaid_request(&genuine_plaid()), "plaid")
        .await;
}

/// Whatever the token names, the configured algorithm is used.
#[tokio::test]
async fn a15_the_algorithm_is_not_the_tokens_choice() {
    let (ec_der, ec_pem) = spki(ec());
    let claims = plaid_claims(now()).to_string();
    let route = Route::new(plaid());
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let header = format!(r#"{{"alg":"{name}","kid":"kid-1"}}"#);
        for signature in [Vec::new(), es256(b"x")] {
            let forged = token(&header, &claims, |_| signature.clone());
            route.refuses(plaid_request(&forged), name).await;
            let stripped = &forged[..=forged.rfind('.').unwrap()];
            route.refuses(plaid_request(stripped), name).await;
        }
    }
    // The public key, in any form, as the secret of an HMAC.
    let point = aws_lc_rs::signature::KeyPair::public_key(ec());
    let jwk = ec_jwk("kid-1").to_string();
    let forms: [&[u8]; 5] = [
        &ec_der,
        ec_pem.as_bytes(),
        ec_pem.trim().as_bytes(),
        point.as_ref(),
        jwk.as_bytes(),
    ];
    for secret in forms {
        for alg in ["HS256", "HS384", "HS512", "ES256"] {
            let header = format!(r#"{{"alg":"{alg}","kid":"kid-1"}}"#);
            let forged = token(&header, &claims, hs256(secret));
            route.refuses(plaid_request(&forged), alg).await;
        }
    }
    // Without `alg`, with another, with one that is no text, or with genuine
    // signatures of the wrong header.
    for header in [
        r#"{"kid":"kid-1"}"#,
        r#"{"alg":"es256","kid":"kid-1"}"#,
        r#"{"alg":"ES384","kid":"kid-1"}"#,
        r#"{"alg":["ES256"],"kid":"kid-1"}"#,
        r#"{"alg":null,"kid":"kid-1"}"#,
        r#"{"alg":"RS256","kid":"kid-1"}"#,
    ] {
        let forged = token(header, &claims, es256);
        let kind = route.refuses(plaid_request(&forged), header).await;
        assert_eq!(kind, RejectionKind::UnexpectedHeader, "{header}");
    }
}

#[tokio::test]
async fn a15_the_rsa_public_key_is_no_secret() {
    let scheme = provider::google_pubsub(AUDIENCE, ACCOUNT);
    let verifier = AsyncVerifier::with_keys(scheme.clone(), keys(&[rsa_jwk("kid-1")])).unwrap();
    let route = Route::new(verifier);
    let claims = google_claims().to_string();
    let genuine = token(RS256, &claims, rs256);
    route
        .accepts(
            request("authorization", &format!("Bearer {genuine}"), "{}"),
            "rs256",
        )
        .await;

    let (der, pem) = spki(rsa());
    for secret in [der.as_slice(), pem.as_bytes(), pem.trim().as_bytes()] {
        for header in [r#"{"alg":"HS256","kid":"kid-1"}"#, RS256] {
            let forged = token(header, &claims, hs256(secret));
            let forged = format!("Bearer {forged}");
            route
                .refuses(request("authorization", &forged, "{}"), header)
                .await;
        }
    }
    // With the key configured, too: it is a key, and never text to hash with.
    let fixed = Verifier::new(scheme, pem.as_str()).unwrap();
    let route = Route::new(fixed);
    route
        .accepts(
            request("authorization", &format!("Bearer {genuine}"), "{}"),
            "pem",
        )
        .await;
    let forged = token(r#"{"alg":"HS256"}"#, &claims, hs256(pem.as_bytes()));
    route
        .refuses(
            request("authorization", &format!("Bearer {forged}"), "{}"),
            "pem",
        )
        .await;
}

/// A scheme with a secret takes no public-key signature, and one with public
/// keys cannot be given a secret by mistake.
#[test]
fn a15_kinds_of_keys_are_not_exchanged() {
    let resolver = keys(&[ec_jwk("kid-1")]);
    let livekit = provider::livekit("APIkey");
    assert!(AsyncVerifier::with_keys(livekit, resolver).is_err());
    assert!(Verifier::new(provider::plaid(), "a-secret").is_err());
    let (_, rsa_pem) = spki(rsa());
    assert!(Verifier::new(provider::plaid(), Secret::new(rsa_pem)).is_err());
}

fn google_claims() -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT,
        "email_verified": true, "iat": now() - 1800, "exp": now() + 1800, "sub": "1",
    })
}

async fn google_refuses(claims: &Value) -> RejectionKind {
    let scheme = provider::google_pubsub(AUDIENCE, ACCOUNT);
    let verifier = AsyncVerifier::with_keys(scheme, keys(&[rsa_jwk("kid-1")])).unwrap();
    let token = token(RS256, &claims.to_string(), rs256);
    let request = request("authorization", &format!("Bearer {token}"), "{}");
    Route::new(verifier).refuses(request, claims).await
}

#[tokio::test]
async fn tokens_for_others_are_refused() {
    for (claim, value) in [
        ("aud", json!("https://evil.test/pubsub")),
        ("aud", json!(["https://evil.test/pubsub", 7])),
        ("aud", json!(7)),
        ("aud", json!(format!("{AUDIENCE}/"))),
        ("iss", json!("https://accounts.google.com.evil.test")),
        ("iss", json!("https://evil.test")),
        ("email", json!("mallory@project.iam.gserviceaccount.com")),
        ("email", json!([ACCOUNT])),
        ("email_verified", json!(false)),
        ("email_verified", json!("true")),
    ] {
        let mut claims = google_claims();
        claims[claim] = value;
        assert_eq!(
            google_refuses(&claims).await,
            RejectionKind::UnexpectedValue
        );
    }
    for claim in ["aud", "iss", "email", "email_verified", "exp"] {
        let mut claims = google_claims();
        claims.as_object_mut().unwrap().remove(claim);
        let kind = google_refuses(&claims).await;
        let expected = match claim {
            "exp" => RejectionKind::MissingTimestamp,
            _ => RejectionKind::MissingSignedValue,
        };
        assert_eq!(kind, expected, "{claim}");
    }
}

#[tokio::test]
async fn an_audience_may_be_one_of_several() {
    let scheme = provider::google_pubsub(AUDIENCE, ACCOUNT);
    let verifier = AsyncVerifier::with_keys(scheme, keys(&[rsa_jwk("kid-1")])).unwrap();
    let mut claims = google_claims();
    claims["aud"] = json!(["https://other.test", AUDIENCE]);
    let token = token(RS256, &claims.to_string(), rs256);
    let request = request("authorization", &format!("bearer {token}"), "{}");
    Route::new(verifier).accepts(request, "aud").await;
}

#[tokio::test]
async fn b3_stale_and_future_tokens_are_refused() {
    let at = |claim: &str, seconds: i64| {
        let mut claims = google_claims();
        claims[claim] = json!(now() + seconds);
        claims
    };
    let too_old = RejectionKind::TimestampTooOld;
    let in_future = RejectionKind::TimestampInFuture;
    // The leeway is 60 seconds; a token does not hold at its end.
    assert_eq!(google_refuses(&at("exp", -60)).await, too_old);
    assert_eq!(google_refuses(&at("exp", -3600)).await, too_old);
    assert_eq!(google_refuses(&at("nbf", 61)).await, in_future);
    assert_eq!(google_refuses(&at("iat", 61)).await, in_future);
    for value in [json!("1700000000"), json!(null), json!([]), json!(true)] {
        for claim in ["exp", "nbf", "iat"] {
            let mut claims = google_claims();
            claims[claim] = value.clone();
            let kind = google_refuses(&claims).await;
            assert_eq!(kind, RejectionKind::MalformedTimestamp, "{claims}");
        }
    }
    for (claim, value, kind) in [
        ("exp", json!(i64::MIN), too_old),
        ("exp", json!(-1e300), too_old),
        ("nbf", json!(i64::MAX), in_future),
        ("iat", json!(1e300), in_future),
        ("iat", json!(u64::MAX), in_future),
    ] {
        let mut claims = google_claims();
        claims[claim] = value;
        assert_eq!(google_refuses(&claims).await, kind, "{claims}");
    }
}

#[tokio::test]
async fn b3_the_edges_of_plaids_five_minutes() {
    for (iat, fresh) in [(-300, true), (-301, false), (60, true), (61, false)] {
        let route = Route::new(plaid());
        let claims = plaid_claims(now() + iat).to_string();
        let request = plaid_request(&token(ES256, &claims, es256));
        match fresh {
            true => route.accepts(request, iat).await,
            false => {
                route.refuses(request, iat).await;
            }
        }
    }
}

#[tokio::test]
async fn a19_a_token_for_another_body_is_refused() {
    let route = Route::new(plaid());
    let token = genuine_plaid();
    for body in [
        "",
        " ",
        "{}",
        &format!("{BODY}\n"),
        &BODY.replace(':', ": "),
    ] {
        let kind = route
            .refuses(request("plaid-verification", &token, body), body)
            .await;
        assert_eq!(kind, RejectionKind::SignatureMismatch);
    }
}

#[tokio::test]
async fn a_body_hash_must_be_there_and_well_formed() {
    let route = Route::new(plaid());
    let upper = sha256_hex(BODY.as_bytes()).to_uppercase();
    let claims = json!({"iat": now(), "request_body_sha256": upper}).to_string();
    route
        .accepts(plaid_request(&token(ES256, &claims, es256)), "upper case")
        .await;
    for hash in [
        json!(null),
        json!(""),
        json!("zz"),
        json!(7),
        json!(&upper[..62]),
    ] {
        let claims = json!({"iat": now(), "request_body_sha256": hash}).to_string();
        route
            .refuses(plaid_request(&token(ES256, &claims, es256)), &claims)
            .await;
    }
    let claims = json!({"iat": now()}).to_string();
    let kind = route
        .refuses(plaid_request(&token(ES256, &claims, es256)), "none")
        .await;
    assert_eq!(kind, RejectionKind::MissingSignedValue);
}

/// What a parser could read twice is refused even though it is signed.
#[tokio::test]
async fn a17_ambiguous_tokens_are_refused() {
    let route = Route::new(plaid());
    let hash = sha256_hex(BODY.as_bytes());
    let good = plaid_claims(now()).to_string();
    let (at, deep) = (now(), "[".repeat(2000) + &"]".repeat(2000));
    for claims in [
        format!(r#"{{"iat":{at},"iat":{at},"request_body_sha256":"{hash}"}}"#),
        format!(r#"{{"iat":1,"iat":{at},"request_body_sha256":"{hash}"}}"#),
        format!(r#"{{"iat":{at},"request_body_sha256":"00","request_body_sha256":"{hash}"}}"#),
        format!(r#"{{"iat":{at},"request_body_sha256":"{hash}","x":{{"a":1,"a":1}}}}"#),
        format!(r#"{{"iat":{at},"request_body_sha256":"{hash}","x":{deep}}}"#),
        format!("[{good}]"),
        format!("{good}x"),
        String::new(),
    ] {
        let kind = route
            .refuses(plaid_request(&token(ES256, &claims, es256)), &claims)
            .await;
        assert_eq!(kind, RejectionKind::MalformedSignature, "{claims}");
    }
    for header in [
        r#"{"alg":"none","alg":"ES256","kid":"kid-1"}"#,
        r#"{"alg":"ES256","kid":"kid-1","kid":"kid-1"}"#,
        r#"{"alg":"ES256","kid":"kid-1","crit":["exp"],"exp":1}"#,
        r#"{"alg":"ES256","kid":"kid-1","crit":[]}"#,
        r#"{"alg":"ES256","kid":"kid-1","crit":["b64"],"b64":false}"#,
        r#"{"alg":"ES256","kid":7}"#,
        r#"{"alg":"ES256","kid":""}"#,
        r#"{"alg":"ES256","kid":null}"#,
        "ES256",
    ] {
        route
            .refuses(plaid_request(&token(header, &good, es256)), header)
            .await;
    }
}

/// A signature covers the text, so only one text may be read from it.
#[tokio::test]
async fn a11_other_spellings_of_a_token_are_refused() {
    let route = Route::new(plaid());
    let token = genuine_plaid();
    let mut parts = token.split('.');
    let (header, claims, signature) = (
        parts.next().unwrap(),
        parts.next().unwrap(),
        parts.next().unwrap(),
    );
    let long = "A".repeat(17 * 1024);
    for spelling in [
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!(".{header}.{claims}.{signature}"),
        format!("{header}..{claims}.{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}.{signature}AA"),
        format!("{header}.{claims}.{}", &signature[..signature.len() - 2]),
        format!("{header}. {claims}.{signature}"),
        format!("Bearer {token}"),
        format!("{token},{token}"),
        format!("{token} {token}"),
        format!("\"{token}\""),
        format!("{header}.{claims}.{long}"),
        String::new(),
        "...".to_owned(),
        "..".to_owned(),
    ] {
        route.refuses(plaid_request(&spelling), &spelling).await;
    }
    // A last digit with stray bits decodes to the same bytes elsewhere.
    let last = signature.chars().last().unwrap();
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        if other != last {
            let end = signature.len() - 1;
            let stray = format!("{header}.{claims}.{}{other}", &signature[..end]);
            route.refuses(plaid_request(&stray), other).await;
        }
    }
    let mut twice = plaid_request(&token);
    let name = HeaderName::from_static("plaid-verification");
    twice.headers_mut().append(name, token.parse().unwrap());
    let kind = route.refuses(twice, "twice").await;
    assert_eq!(kind, RejectionKind::RepeatedSignatureHeader);
    route.accepts(plaid_request(&token), "the one").await;
}

#[tokio::test]
async fn a8_one_flipped_bit_anywhere_is_refused() {
    let route = Route::new(plaid());
    let token = genuine_plaid();
    for position in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(bytes).unwrap();
        if flipped != token {
            route.refuses(plaid_request(&flipped), position).await;
        }
    }
}

#[tokio::test]
async fn a16_a_kid_is_a_name_and_nothing_else() {
    let verifier = plaid();
    let claims = plaid_claims(now()).to_string();
    let route = Route::new(verifier);
    for id in [
        "kid-2",
        "KID-1",
        "kid-1 ",
        "../kid-1",
        "/etc/passwd",
        "https://evil.test/jwks",
        "kid-1\u{0}",
        "' OR 1=1 --",
    ] {
        let header = json!({"alg": "ES256", "kid": id}).to_string();
        let kind = route
            .refuses(plaid_request(&token(&header, &claims, es256)), id)
            .await;
        assert_eq!(kind, RejectionKind::UnknownKey, "{id}");
    }
    // Keys that the token brings along are not looked at.
    let own = ec_jwk("kid-1");
    for header in [
        json!({"alg": "ES256", "jwk": own}),
        json!({"alg": "ES256", "jku": "https://evil.test/jwks"}),
        json!({"alg": "ES256", "x5u": "https://evil.test/cert", "x5c": ["AA=="]}),
        json!({"alg": "ES256"}),
    ] {
        let header = header.to_string();
        let kind = route
            .refuses(plaid_request(&token(&header, &claims, es256)), &header)
            .await;
        assert_eq!(kind, RejectionKind::UnknownKey, "{header}");
    }
    let header = json!({"alg": "ES256", "kid": "k".repeat(257)}).to_string();
    route
        .refuses(plaid_request(&token(&header, &claims, es256)), "long")
        .await;
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    for (expired_at, refused) in [(now(), true), (now() - 1, true), (now() + 1, false)] {
        let mut jwk = ec_jwk("kid-1");
        jwk["expired_at"] = json!(expired_at);
        let verifier = AsyncVerifier::with_keys(provider::plaid(), keys(&[jwk])).unwrap();
        let route = Route::new(verifier);
        let request = plaid_request(&genuine_plaid());
        match refused {
            true => {
                let kind = route.refuses(request, expired_at).await;
                assert_eq!(kind, RejectionKind::UntrustedKey);
            }
            false => route.accepts(request, expired_at).await,
        }
    }
}

#[tokio::test]
async fn the_type_counts_where_it_is_fixed() {
    let header = HeaderName::from_static("acme");
    let acme = Jwt::in_header(header, JwtAlgorithm::Hs256)
        .with_type("webhook+jwt")
        .with_body_hash("hash", Encoding::Hex);
    let verifier = Verifier::new(Scheme::jwt("acme", acme), "secret").unwrap();
    let route = Route::new(verifier);
    let claims = json!({"hash": sha256_hex(b"{}")}).to_string();
    for (typ, good) in [
        (r#","typ":"webhook+jwt""#, true),
        (r#","typ":"WEBHOOK+JWT""#, true),
        (r#","typ":"JWT""#, false),
        (r#","typ":["webhook+jwt"]"#, false),
        ("", false),
    ] {
        let header = format!(r#"{{"alg":"HS256"{typ}}}"#);
        let request = request("acme", &token(&header, &claims, hs256(b"secret")), "{}");
        match good {
            // Each token is another delivery, but the body is the same.
            true => assert_eq!(route.send(request).await.status, 200, "{typ}"),
            false => {
                let kind = route.refuses(request, typ).await;
                assert_eq!(kind, RejectionKind::UnexpectedHeader, "{typ}");
            }
        }
    }
}

#[tokio::test]
async fn a_claim_with_two_names_has_one_value() {
    let directory = "11111111-1111-4111-8111-111111111111";
    let scheme = provider::microsoft_entra(directory, "api://hook", "client");
    for (more, good) in [
        (json!({"azp": "client"}), true),
        (json!({"appid": "client"}), true),
        (json!({"azp": "client", "appid": "client"}), true),
        (json!({"azp": "client", "appid": "other"}), false),
        (json!({"appid": "other"}), false),
        (json!({}), false),
    ] {
        for issuer in [
            format!("https://sts.windows.net/{directory}/"),
            format!("https://login.microsoftonline.com/{directory}/v2.0"),
        ] {
            let verifier =
                AsyncVerifier::with_keys(scheme.clone(), keys(&[rsa_jwk("kid-1")])).unwrap();
            let mut claims = json!({"iss": issuer, "aud": "api://hook", "exp": now() + 60});
            for (name, value) in more.as_object().unwrap() {
                claims[name] = value.clone();
            }
            let token = token(RS256, &claims.to_string(), rs256);
            let request = request("authorization", &format!("Bearer {token}"), "[]");
            let route = Route::new(verifier);
            match good {
                true => route.accepts(request, &claims).await,
                false => {
                    route.refuses(request, &claims).await;
                }
            }
        }
    }
}

/// MessageBird: the URL is signed, and an empty body has no hash.
#[tokio::test]
async fn messagebird_binds_url_and_body() {
    let url = PublicUrl::registered("https://example.com/hook?x=1").unwrap();
    let verifier = Verifier::new(provider::messagebird(url), "secret").unwrap();
    let good = json!({
        "iss": "MessageBird", "nbf": now(), "exp": now() + 60,
        "url_hash": sha256_hex(b"https://example.com/hook?x=1"),
        "payload_hash": sha256_hex(b"a=1"),
    });
    let send = async |claims: &Value, body: &str| {
        let header = r#"{"alg":"HS256"}"#;
        let token = token(header, &claims.to_string(), hs256(b"secret"));
        let route = Route::new(verifier.clone());
        let answer = route
            .send(request("messagebird-signature-jwt", &token, body))
            .await;
        answer.rejection.map(|rejection| rejection.kind())
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let with = |name: &str, value: &str| {
        let mut claims = good.clone();
        claims[name] = json!(value);
        claims
    };
    assert_eq!(send(&good, "a=1").await, None);
    assert_eq!(send(&without("payload_hash"), "").await, None);
    let unexpected = Some(RejectionKind::UnexpectedValue);
    let missing = Some(RejectionKind::MissingSignedValue);
    assert_eq!(send(&good, "").await, unexpected);
    let empty = with("payload_hash", &sha256_hex(b""));
    assert_eq!(send(&empty, "").await, unexpected);
    assert_eq!(send(&without("payload_hash"), "a=1").await, missing);
    assert_eq!(send(&without("url_hash"), "a=1").await, missing);
    let other = with("url_hash", &sha256_hex(b"https://example.com/hook?x=2"));
    assert_eq!(send(&other, "a=1").await, unexpected);
    assert_eq!(send(&with("iss", "Mallory"), "a=1").await, unexpected);
    let missing = Some(RejectionKind::MissingTimestamp);
    assert_eq!(send(&without("exp"), "a=1").await, missing);
    assert_eq!(send(&without("nbf"), "a=1").await, missing);
}

#[tokio::test]
async fn livekits_key_is_the_configured_one() {
    let claims = |issuer: &str| {
        let hash = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"{}"),
        );
        json!({"iss": issuer, "nbf": now(), "exp": now() + 300, "sha256": hash}).to_string()
    };
    let verifier = Verifier::new(provider::livekit("APIkey"), "secret").unwrap();
    let route = Route::new(verifier);
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let sign = |claims: &str| token(header, claims, hs256(b"secret"));
    let good = sign(&claims("APIkey"));
    route
        .accepts(request("authorization", &good, "{}"), "bare")
        .await;
    let other = sign(&claims("APIother"));
    route
        .refuses(request("authorization", &other, "{}"), "other")
        .await;
    let bearer = format!("Bearer {good}");
    route
        .refuses(request("authorization", &bearer, "{}"), "bearer")
        .await;
    let forged = token(header, &claims("APIkey"), hs256(b""));
    route
        .refuses(request("authorization", &forged, "{}"), "empty key")
        .await;
}

/// Deliveries are known by the body and the time of their token, so a token
/// that is sent twice is one event.
#[tokio::test]
async fn b1_a_replayed_token_is_recognised() {
    let route = Route::new(plaid());
    let token = genuine_plaid();
    route.accepts(plaid_request(&token), "first").await;
    route.recognises(plaid_request(&token), "again").await;
    let later = self::token(ES256, &plaid_claims(now() + 1).to_string(), es256);
    route.accepts(plaid_request(&later), "another event").await;
}

/// A service account's token serves for many messages: the time that it was
/// made says nothing of them.
#[tokio::test]
async fn a_token_that_signs_no_body_gives_no_time() {
    let scheme = provider::google_pubsub(AUDIENCE, ACCOUNT);
    let verifier = AsyncVerifier::with_keys(scheme, keys(&[rsa_jwk("kid-1")])).unwrap();
    let token = token(RS256, &google_claims().to_string(), rs256);
    let body = r#"{"message":{"messageId":"1"},"subscription":"projects/p/subscriptions/s"}"#;
    let (parts, body) = request("authorization", &format!("Bearer {token}"), body).into_parts();
    let delivery = verifier.verify(&parts, body, NOW).await.unwrap();
    assert_eq!(delivery.timestamp(), None);
    assert!(delivery.event_id().is_some());
    let (parts, body) = plaid_request(&genuine_plaid()).into_parts();
    let delivery = plaid().verify(&parts, body, NOW).await.unwrap();
    assert_eq!(delivery.timestamp(), Some(NOW));
    assert_eq!(delivery.event_type(), Some("ERROR"));
}

/// The whole way over a socket, with what only HTTP can bring.
#[tokio::test]
async fn a15_over_a_real_server() {
    let route = |verifier: AsyncVerifier| {
        let clock = Arc::new(tower_webhook::testing::ManualClock::new(NOW));
        let layer = tower_webhook::WebhookLayer::new(verifier).with_clock(clock);
        axum::Router::new().route("/hook", axum::routing::post(async || "taken").layer(layer))
    };
    let server = Server::start(route(plaid())).await;
    let send = async |token: &str| server.exchange(whole(&plaid_request(token))).await;
    assert!(send(&genuine_plaid()).await.starts_with("HTTP/1.1 200"));
    let claims = plaid_claims(now()).to_string();
    let none = token(r#"{"alg":"none"}"#, &claims, |_| b"x".to_vec());
    let unknown = token(r#"{"alg":"ES256","kid":"x"}"#, &claims, es256);
    let stale = token(ES256, &plaid_claims(now() - 301).to_string(), es256);
    let huge = format!("{}.{}.AAAA", b64(ES256), "A".repeat(100_000));
    let deep = token(ES256, &format!("{{\"a\":{}", "[".repeat(5000)), es256);
    let mut answers = Vec::new();
    for forged in [&none, &unknown, &stale, &huge, &deep] {
        answers.push(without_date(&send(forged).await));
    }
    assert!(answers[0].starts_with("http/1.1 401"), "{answers:?}");
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

fn without_date(answer: &str) -> String {
    let answer = answer.to_ascii_lowercase();
    let lines = answer.lines().filter(|line| !line.starts_with("date:"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn names_of_keys_are_kept_apart() {
    let keys = MemoryKeys::new();
    let key = tower_webhook::signature::PublicKey::from_jwk(ec_jwk("a").to_string().as_bytes());
    keys.insert(KeyName::Url("a".into()), key.unwrap());
    assert!(!keys.remove(&KeyName::Id("a".into())));
    assert!(keys.remove(&KeyName::Url("a".into())));
    assert!(!format!("{keys:?}").contains("npAQ"));
}
