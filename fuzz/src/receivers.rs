//! Who receives tokens, with the keys that sign them.

use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderName;
use rsa::traits::PublicKeyParts;
use serde_json::json;
use tower_webhook::signature::{Encoding, Jwt, JwtAlgorithm, PublicUrl, Scheme};
use tower_webhook::{Secret, Verifier, provider};

use crate::content::ORIGIN;
use crate::keys::{self, Key};
use crate::row::{KeyForm, Row};
use crate::token::{self, Rules};

pub struct Receiver {
    pub rules: Rules,
    pub scheme: Scheme,
    /// Where keys are looked up: `None` for the one that is configured.
    pub configured: Option<Verifier>,
}

/// A key, and somebody else's.
pub struct Pair {
    pub current: Key,
    pub other: Key,
    /// The current one's, as a JWK.
    pub members: String,
}

/// The keys that an algorithm signs with.
pub fn pair(algorithm: &str) -> &'static Pair {
    static PAIRS: LazyLock<[Pair; 4]> = LazyLock::new(|| {
        let pair = |proof: &'static str| {
            let row = format!("t | {proof} | text | header t | plain | text | - | - | -");
            let (mut trusted, other) = keys::keys(&Row::read(row.leak()));
            let current = trusted.pop().expect("a key");
            Pair {
                members: members(&current),
                current,
                other,
            }
        };
        ["token", "p256", "rsa", "ed25519"].map(pair)
    });
    let names = ["HS256", "ES256", "RS256", "EdDSA"];
    &PAIRS[names
        .iter()
        .position(|name| *name == algorithm)
        .unwrap_or(0)]
}

fn members(key: &Key) -> String {
    let texts: Vec<(&str, String)> = match key {
        Key::Secret(_) => vec![("kty", "oct".to_owned())],
        Key::P256(key) => {
            let point = key.verifying_key().to_sec1_point(false);
            let (x, y) = (point.x().expect("a point"), point.y().expect("a point"));
            vec![
                ("kty", "EC".to_owned()),
                ("crv", "P-256".to_owned()),
                ("x", token::encode(x)),
                ("y", token::encode(y)),
            ]
        }
        Key::Rsa { public, .. } => vec![
            ("kty", "RSA".to_owned()),
            ("n", token::encode(&public.n().to_bytes_be())),
            ("e", token::encode(&public.e().to_bytes_be())),
        ],
        Key::Ed25519(key) => vec![
            ("kty", "OKP".to_owned()),
            ("crv", "Ed25519".to_owned()),
            ("x", token::encode(key.verifying_key().as_bytes())),
        ],
    };
    let texts = texts
        .iter()
        .map(|(name, text)| format!("\"{name}\":\"{text}\""));
    texts.collect::<Vec<_>>().join(",")
}

/// What an attacker who knows the receiver's public key may sign with.
pub static PUBLIC_PEM: LazyLock<String> =
    LazyLock::new(|| pair("ES256").current.verifying(KeyForm::Pem));

/// A new one goes to the end: inputs name them by position.
pub static RECEIVERS: LazyLock<Vec<Receiver>> = LazyLock::new(|| {
    let looked_up = |rules: Rules, scheme: Scheme| Receiver {
        rules,
        scheme,
        configured: None,
    };
    let configured = |rules: Rules, scheme: Scheme| {
        let secret = match &pair(rules.algorithm).current {
            Key::Secret(text) => Secret::new(*text),
            key => Secret::new(key.verifying(KeyForm::Pem)),
        };
        Receiver {
            rules,
            configured: Some(Verifier::new(scheme.clone(), secret).expect("a scheme")),
            scheme,
        }
    };
    let url = || PublicUrl::base(ORIGIN).expect("a URL");
    let acme = || Jwt::in_header(HeaderName::from_static("x-token"), JwtAlgorithm::Hs256);
    vec![
        configured(
            Rules {
                kind: Some("JWT"),
                issuers: &["acme", "acme-2"],
                audience: Some("us"),
                max_age: Some(300),
                body: Some(("sha256", true, false)),
                ..Rules::new("HS256", "x-token")
            },
            Scheme::jwt(
                "acme",
                acme()
                    .with_type("JWT")
                    .with_issuers(["acme", "acme-2"])
                    .with_audience("us")
                    .with_max_age(Duration::from_secs(300))
                    .with_body_hash("sha256", Encoding::Hex),
            ),
        ),
        configured(
            Rules {
                issuers: &["key"],
                needs_expiry: true,
                needs_not_before: true,
                body: Some(("sha256", false, false)),
                ..Rules::new("HS256", "authorization")
            },
            provider::livekit("key"),
        ),
        configured(
            Rules {
                issuers: &["MessageBird"],
                needs_expiry: true,
                needs_not_before: true,
                leeway: 1,
                url: Some("url_hash"),
                body: Some(("payload_hash", true, true)),
                ..Rules::new("HS256", "messagebird-signature-jwt")
            },
            provider::messagebird(url()),
        ),
        looked_up(
            Rules {
                max_age: Some(300),
                body: Some(("request_body_sha256", true, false)),
                ..Rules::new("ES256", "plaid-verification")
            },
            provider::plaid(),
        ),
        looked_up(
            Rules {
                is_bearer: true,
                issuers: &["https://accounts.google.com", "accounts.google.com"],
                audience: Some("us"),
                fixed: vec![
                    (&["email"], json!("a@test")),
                    (&["email_verified"], json!(true)),
                ],
                needs_expiry: true,
                ..Rules::new("RS256", "authorization")
            },
            provider::google_pubsub("us", "a@test"),
        ),
        looked_up(
            Rules {
                is_bearer: true,
                issuers: &[
                    "https://sts.windows.net/d/",
                    "https://login.microsoftonline.com/d/v2.0",
                ],
                audience: Some("us"),
                fixed: vec![(&["azp", "appid"], json!("c"))],
                needs_expiry: true,
                ..Rules::new("RS256", "authorization")
            },
            provider::microsoft_entra("d", "us", "c"),
        ),
        configured(
            Rules {
                body: Some(("request_body_sha256", false, false)),
                ..Rules::new("EdDSA", "x-fusionauth-signature-jwt")
            },
            provider::fusionauth(JwtAlgorithm::EdDsa),
        ),
        configured(
            Rules {
                leeway: 0,
                ..Rules::new("ES256", "x-token")
            },
            Scheme::jwt(
                "exact",
                Jwt::in_header(HeaderName::from_static("x-token"), JwtAlgorithm::Es256)
                    .with_leeway(Duration::ZERO),
            ),
        ),
    ]
});
