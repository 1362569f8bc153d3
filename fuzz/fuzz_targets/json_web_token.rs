//! Tokens and key sets: a request is accepted if, and only if, a second reading
//! of the RFCs accepts its token, and the signature is of the key that is meant.

#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tower_webhook::Timestamp;
use tower_webhook::keys::{AsyncVerifier, MemoryKeys};
use tower_webhook_fuzz::body::block_on;
use tower_webhook_fuzz::content::ORIGIN;
use tower_webhook_fuzz::keys::Key;
use tower_webhook_fuzz::oracle::NOW;
use tower_webhook_fuzz::receivers::{self, PUBLIC_PEM, Pair, RECEIVERS, Receiver, pair};
use tower_webhook_fuzz::token::{self, Rules};

/// What stands in a text for what belongs there: the body's hash, the time in
/// seconds, the URL's hash, and the members of the keys of a set.
const HASH: u8 = 1;
const TIME: u8 = 2;
const URL: u8 = 3;
const KEYS: std::ops::RangeInclusive<u8> = 4..=6;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    receiver: u8,
    late: i16,
    /// Who signs: see [`Input::signature`].
    signer: u8,
    /// What happens to the token: see [`Input::mangled`].
    mangling: u8,
    bit: u16,
    /// The header, the claims, a key set (or nothing), each on a line, and the
    /// body.
    text: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let receiver = &RECEIVERS[usize::from(input.receiver) % RECEIVERS.len()];
    let lines: Vec<&[u8]> = input.text.splitn(4, |byte| *byte == b'\n').collect();
    let [header, claims, set, body] = lines[..] else {
        return;
    };
    let fill = |text: &[u8]| fill(text, receiver, body);
    let (header, claims) = (fill(header), fill(claims));
    let set = match set {
        b"" => fill(DEFAULT_SET),
        set => fill(set),
    };
    let signed = format!("{}.{}", token::encode(&header), token::encode(&claims));
    let signature = input.signature(receiver, signed.as_bytes());
    let token = input.mangled(&signed, &signature, &header);
    let value = match receiver.rules.is_bearer {
        true => [b"Bearer ", &token[..]].concat(),
        false => token,
    };
    let Ok(line) = HeaderValue::from_bytes(&value) else {
        return;
    };
    let request = Request::post("/hook").header(receiver.rules.header, line);
    let (parts, ()) = request.body(()).expect("a request").into_parts();

    let millis = NOW + i64::from(input.late) * 1000;
    let now = Timestamp::from_unix_millis(millis);
    let url = format!("{ORIGIN}/hook");
    let judged = receiver
        .rules
        .judge(&value, (&url, body), millis.div_euclid(1000));
    let pair = pair(receiver.rules.algorithm);
    let expected = match &receiver.configured {
        Some(verifier) => {
            let accepted = verifier.verify(&parts, body, now).is_ok();
            let genuine = judged.is_some_and(|token| token.is_signed_by(&pair.current));
            (accepted, Some(genuine))
        }
        None => {
            let keys = MemoryKeys::from_jwk_set(&set);
            let named = judged.as_ref().and_then(|token| {
                let id = token.header.get("kid")?.as_str()?;
                Some(named(&set, id, pair, millis))
            });
            if let Some(Named::Is(_)) = named {
                assert!(keys.is_ok(), "{}", set.escape_ascii());
            }
            let Ok(keys) = keys else { return };
            let verifier = AsyncVerifier::with_keys(receiver.scheme.clone(), Arc::new(keys));
            let verifier = verifier.expect("a scheme with public keys");
            let verify = verifier.verify(&parts, Bytes::copy_from_slice(body), now);
            let accepted = block_on(async { Ok(verify.await.is_ok()) });
            let is_signed = || judged.is_some_and(|token| token.is_signed_by(&pair.current));
            let genuine = match named {
                None | Some(Named::Absent | Named::Is(false)) => Some(false),
                Some(Named::Is(true)) => Some(is_signed()),
                // Another key may have been meant, but ours is the only one
                // that anybody signs with.
                Some(Named::Unknown) if is_signed() => None,
                Some(Named::Unknown) => Some(false),
            };
            (accepted, genuine)
        }
    };
    if let (accepted, Some(genuine)) = expected {
        assert_eq!(
            accepted,
            genuine,
            "{} {} {}",
            receiver.scheme.name(),
            value.escape_ascii(),
            set.escape_ascii()
        );
    }
});

impl Input<'_> {
    fn signature(&self, receiver: &Receiver, signed: &[u8]) -> Vec<u8> {
        let pair = pair(receiver.rules.algorithm);
        match self.signer % 5 {
            0 => token::sign(&pair.current, signed),
            1 => token::sign(&pair.other, signed),
            // With the algorithm that the header of the token may name.
            2 => token::sign(&receivers::pair("HS256").current, signed),
            // The public key as the secret of a MAC.
            3 => {
                let pem: &'static str = PUBLIC_PEM.as_str();
                token::sign(&Key::Secret(pem), signed)
            }
            _ => Vec::new(),
        }
    }

    fn mangled(&self, signed: &str, signature: &[u8], header: &[u8]) -> Vec<u8> {
        let mut token = format!("{signed}.{}", token::encode(signature)).into_bytes();
        match self.mangling % 6 {
            1 => {
                let at = usize::from(self.bit / 8) % token.len();
                token[at] ^= 1 << (self.bit % 8);
            }
            2 => token = header.to_vec(),
            3 => token.push(b'='),
            4 => token.extend_from_slice(b".e30"),
            5 => {
                token.pop();
            }
            _ => {}
        }
        token
    }
}

/// What a set says of the key with this id.
enum Named {
    Absent,
    /// Ours, and whether it may be used still.
    Is(bool),
    /// One that we cannot judge.
    Unknown,
}

fn named(set: &[u8], id: &str, pair: &Pair, millis: i64) -> Named {
    let object = token::object(set);
    let Some(Value::Array(keys)) = object.as_ref().and_then(|set| set.get("keys")) else {
        return Named::Absent;
    };
    let ours: Map<String, Value> =
        token::object(format!("{{{}}}", pair.members).as_bytes()).expect("an object");
    let algorithm = match ours["kty"].as_str() {
        Some("RSA") => &["RS256"][..],
        Some("EC") => &["ES256"],
        _ => &["EdDSA", "Ed25519"],
    };
    let with_id = keys.iter().filter_map(Value::as_object);
    for key in with_id.filter(|key| key.get("kid") == Some(&json!(id))) {
        let absent = |name: &str| key.get(name).is_none_or(Value::is_null);
        let signs = key.get("use").is_none_or(|usage| usage == "sig");
        let verifies = key.get("key_ops").is_none_or(|all| {
            all.as_array()
                .is_some_and(|all| all.contains(&json!("verify")))
        });
        let named = absent("alg") || algorithm.iter().any(|name| key["alg"] == *name);
        let ends = absent("expired_at") || key["expired_at"].as_i64().is_some();
        if !ours
            .iter()
            .all(|(name, value)| key.get(name) == Some(value))
        {
            return Named::Unknown;
        }
        if signs && verifies && named && ends {
            let expired = !absent("expired_at") && {
                let end = i128::from(key["expired_at"].as_i64().expect("a number"));
                end * 1000 <= i128::from(millis)
            };
            return Named::Is(!expired);
        }
        // PS512 is an algorithm of RSA keys, only not of ours.
        if signs && verifies && ends && key["alg"] == "PS512" {
            return Named::Unknown;
        }
    }
    Named::Absent
}

const DEFAULT_SET: &[u8] =
    b"{\"keys\":[{\"kid\":\"k\",\x04},{\"kid\":\"r\",\x05},{\"kid\":\"e\",\x06}]}";

fn fill(text: &[u8], receiver: &Receiver, body: &[u8]) -> Vec<u8> {
    let mut filled = Vec::new();
    for byte in text {
        match *byte {
            HASH => filled.extend_from_slice(receiver.rules.hash(body).as_bytes()),
            TIME => filled.extend_from_slice(NOW.div_euclid(1000).to_string().as_bytes()),
            URL => {
                let hash = Rules::new("", "").hash(format!("{ORIGIN}/hook").as_bytes());
                filled.extend_from_slice(hash.as_bytes());
            }
            byte if KEYS.contains(&byte) => {
                let name = ["ES256", "RS256", "EdDSA"][usize::from(byte - KEYS.start())];
                filled.extend_from_slice(pair(name).members.as_bytes());
            }
            byte => filled.push(byte),
        }
    }
    filled
}
