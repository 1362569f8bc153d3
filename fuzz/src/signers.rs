//! Who receives HTTP Message Signatures, and the keys that sign them.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA512, UnparsedPublicKey};
use serde_json::Map;
use tower_webhook::Secret;
use tower_webhook::provider::http_signature::HttpSignature;
use tower_webhook::signature::{PublicUrl, Scheme};

use crate::components::Url;
use crate::keys::Key;
use crate::message::{METHODS, Rules, Statement};
use crate::receivers::{self, Pair};
use crate::row::KeyForm;
use crate::token::{self, Token};
use crate::url::is_configurable;

/// A receiver, and what it is configured with.
pub struct Configured {
    pub rules: Rules,
    pub pair: &'static Pair,
    http: HttpSignature,
    public_url: Option<PublicUrl>,
    /// Whether `keyid` says which key counts.
    looks_up: bool,
}

impl Configured {
    /// From words: `label=`, `tag=`, `key=` (its id), `require=` (names with
    /// commas in between), `age=` (seconds), `url=`, `base=` and `lax` (no
    /// digest). Panics unless a URL can be configured that must be able to be.
    pub fn read(algorithm: u8, text: &str) -> Option<Self> {
        let mut looks_up = false;
        let (http, algorithm, key) = match algorithm % 6 {
            0 => (HttpSignature::hmac_sha256(), "hmac-sha256", "HS256"),
            1 => (HttpSignature::ed25519(), "ed25519", "EdDSA"),
            2 => {
                let http = HttpSignature::ecdsa_p256_sha256();
                (http, "ecdsa-p256-sha256", "ES256")
            }
            3 => (HttpSignature::rsa_v1_5_sha256(), "rsa-v1_5-sha256", "RS256"),
            4 => (HttpSignature::rsa_pss_sha512(), "rsa-pss-sha512", "RS256"),
            _ => {
                looks_up = true;
                (HttpSignature::ed25519(), "ed25519", "EdDSA")
            }
        };
        let mut configured = Self {
            rules: Rules {
                algorithm,
                label: None,
                tag: None,
                key_id: None,
                required: ["@method", "@path", "@query"].map(str::to_owned).into(),
                protects_body: true,
                tolerance: 300,
                url: Url::Unknown,
            },
            pair: receivers::pair(key),
            http,
            public_url: None,
            looks_up,
        };
        for word in text.split(' ') {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            configured.add(name, value)?;
        }
        Some(configured)
    }

    fn add(&mut self, name: &str, value: &str) -> Option<()> {
        let rules = &mut self.rules;
        let http = self.http.clone();
        self.http = match name {
            "label" => {
                rules.label = Some(value.to_owned());
                http.with_label(value)
            }
            "tag" => {
                rules.tag = Some(value.to_owned());
                http.with_tag(value)
            }
            "key" => {
                rules.key_id = Some(value.to_owned());
                http.with_key_id(value)
            }
            "require" => {
                let names = value.split(',').filter(|_| !value.is_empty());
                rules.required = names.map(str::to_owned).collect();
                http.with_required(rules.required.clone())
            }
            "age" => {
                let seconds: u16 = value.parse().ok()?;
                rules.tolerance = seconds.into();
                http.with_tolerance(Duration::from_secs(seconds.into()))
            }
            "lax" => {
                rules.protects_body = false;
                http.without_content_digest()
            }
            "url" | "base" => {
                let is_base = name == "base";
                let (made, kind) = match is_base {
                    true => (PublicUrl::base(value), Url::Base(value.to_owned())),
                    false => (
                        PublicUrl::registered(value),
                        Url::Registered(value.to_owned()),
                    ),
                };
                assert_eq!(made.is_ok(), is_configurable(value, is_base), "{value}");
                self.public_url = Some(made.ok()?);
                rules.url = kind;
                http
            }
            _ => http,
        };
        Some(())
    }

    pub fn scheme(&self) -> Scheme {
        let methods = METHODS.map(|name| name.parse().expect("a method"));
        let scheme = Scheme::from(self.http.clone()).with_methods(methods);
        match &self.public_url {
            Some(url) => scheme.with_public_url(url.clone()),
            None => scheme,
        }
    }

    pub fn secret(&self) -> Secret {
        match &self.pair.current {
            Key::Secret(text) => Secret::new(*text),
            key => Secret::new(key.verifying(KeyForm::Base64(""))),
        }
    }

    /// The keys among which `keyid` chooses. The one that signs is `k`.
    pub fn key_set(&self) -> Option<String> {
        let other = receivers::pair("ES256");
        let [ours, other] = [&self.pair.members, &other.members];
        self.looks_up
            .then(|| format!(r#"{{"keys":[{{"kid":"k",{ours}}},{{"kid":"e",{other}}}]}}"#))
    }
}

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rules.fmt(f)
    }
}

pub fn sign(receiver: &Configured, key: &Key, base: &[u8]) -> Vec<u8> {
    let Key::Rsa { private, .. } = key else {
        return token::sign(key, base);
    };
    if receiver.rules.algorithm != "rsa-pss-sha512" {
        return token::sign(key, base);
    }
    let mut signature = vec![0; private.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    let signed = private.sign(&RSA_PSS_SHA512, &random, base, &mut signature);
    signed.expect("a signature");
    signature
}

pub fn is_signed_by(receiver: &Configured, key: &Key, statement: &Statement) -> bool {
    if receiver.rules.algorithm == "rsa-pss-sha512" {
        let Key::Rsa { public, .. } = key else {
            return false;
        };
        use rsa::pkcs8::EncodePublicKey;
        let der = public.to_public_key_der().expect("a public key");
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA512, der.as_bytes());
        return key.verify(&statement.base, &statement.signature).is_ok();
    }
    let token = Token {
        header: Map::new(),
        claims: Map::new(),
        signed: &statement.base,
        signature: statement.signature.clone(),
    };
    token.is_signed_by(key)
}
