//! JSON Web Tokens, made and judged as RFC 7515 and RFC 7519 say.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::json;
use crate::keys::{Content, Key};
use crate::row::{Encoding, Hash, KeyForm, Proof, Row};
use crate::text::split_once;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// Only what [`encode`] writes.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in text.chunks(4) {
        let mut bits = 0_u32;
        for place in 0..4 {
            let digit = chunk
                .get(place)
                .map_or(Some(0), |c| DIGITS.iter().position(|d| d == c))?;
            bits = bits << 6 | digit as u32;
        }
        let all = bits.to_be_bytes();
        bytes.extend_from_slice(&all[1..chunk.len().max(1)]);
    }
    (encode(&bytes).as_bytes() == text).then_some(bytes)
}

/// What a receiver demands of its tokens.
pub struct Rules {
    pub algorithm: &'static str,
    pub header: &'static str,
    pub is_bearer: bool,
    pub kind: Option<&'static str>,
    pub issuers: &'static [&'static str],
    pub audience: Option<&'static str>,
    /// Of each, one name must be there, and all that are must have the value.
    pub fixed: Vec<(&'static [&'static str], Value)>,
    pub max_age: Option<i64>,
    pub needs_expiry: bool,
    pub needs_not_before: bool,
    pub leeway: i64,
    /// The claim, whether it is hex, and whether an empty body has none.
    pub body: Option<(&'static str, bool, bool)>,
    pub url: Option<&'static str>,
}

impl Rules {
    /// A receiver that demands nothing but the algorithm.
    pub fn new(algorithm: &'static str, header: &'static str) -> Self {
        Self {
            algorithm,
            header,
            is_bearer: false,
            kind: None,
            issuers: &[],
            audience: None,
            fixed: Vec::new(),
            max_age: None,
            needs_expiry: false,
            needs_not_before: false,
            leeway: 60,
            body: None,
            url: None,
        }
    }

    /// The hash of a body as the claim states it.
    pub fn hash(&self, body: &[u8]) -> String {
        match self.body {
            Some((_, false, _)) => Encoding::Base64.write(&Sha256::digest(body)),
            _ => Encoding::Hex.write(&Sha256::digest(body)),
        }
    }

    /// The token, if it can be read and claims what it must at `now`, in
    /// seconds. Its signature is not looked at.
    pub fn judge<'t>(
        &self,
        value: &'t [u8],
        (url, body): (&str, &[u8]),
        now: i64,
    ) -> Option<Token<'t>> {
        let text = match self.is_bearer {
            true => {
                let (scheme, token) = split_once(value, b' ')?;
                scheme.eq_ignore_ascii_case(b"bearer").then_some(())?;
                trim(token)
            }
            false => value,
        };
        let token = Token::read(text)?;
        let header = &token.header;
        (header.get("alg") == Some(&json!(self.algorithm))).then_some(())?;
        (!header.contains_key("crit")).then_some(())?;
        if let Some(kind) = self.kind {
            let stated = header.get("typ")?.as_str()?;
            stated.eq_ignore_ascii_case(kind).then_some(())?;
        }
        if let Some(id) = header.get("kid") {
            (1..=256).contains(&id.as_str()?.len()).then_some(())?;
        }
        let claims = &token.claims;
        let millis = |name| match claims.get(name) {
            None => Some(None),
            Some(value) => match value.as_i64() {
                Some(seconds) => Some(Some(i128::from(seconds) * 1000)),
                None => Some(Some((value.as_f64()? * 1000.0) as i64 as i128)),
            },
        };
        let (now, leeway) = (i128::from(now) * 1000, i128::from(self.leeway) * 1000);
        let clamp = crate::time::clamp;
        let (issued, starts, ends) = (millis("iat")?, millis("nbf")?, millis("exp")?);
        for start in [issued, starts].into_iter().flatten() {
            (clamp(start) <= now + leeway).then_some(())?;
        }
        (ends.is_some() || !self.needs_expiry).then_some(())?;
        (starts.is_some() || !self.needs_not_before).then_some(())?;
        if let Some(end) = ends {
            (now < clamp(clamp(end) + leeway)).then_some(())?;
        }
        if let Some(age) = self.max_age {
            (now <= clamp(clamp(issued?) + i128::from(age) * 1000)).then_some(())?;
        }
        if !self.issuers.is_empty() {
            self.issuers
                .contains(&claims.get("iss")?.as_str()?)
                .then_some(())?;
        }
        if let Some(audience) = self.audience {
            let meant = match claims.get("aud")? {
                Value::Array(all) => all.contains(&json!(audience)),
                one => *one == json!(audience),
            };
            meant.then_some(())?;
        }
        for (names, value) in &self.fixed {
            let stated: Vec<_> = names.iter().filter_map(|name| claims.get(*name)).collect();
            (!stated.is_empty() && stated.iter().all(|stated| *stated == value)).then_some(())?;
        }
        if let Some(claim) = self.url {
            let stated = claims.get(claim)?.as_str()?.to_ascii_lowercase();
            (stated == Encoding::Hex.write(&Sha256::digest(url))).then_some(())?;
        }
        if let Some((claim, is_hex, absent)) = self.body {
            if absent && body.is_empty() {
                (!claims.contains_key(claim)).then_some(())?;
            } else {
                let stated = claims.get(claim)?.as_str()?;
                let hash = self.hash(body);
                let same = stated == hash || is_hex && stated.eq_ignore_ascii_case(&hash);
                same.then_some(())?;
            }
        }
        Some(token)
    }
}

/// A token in the compact serialisation.
pub struct Token<'t> {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
    pub signed: &'t [u8],
    pub signature: Vec<u8>,
}

impl<'t> Token<'t> {
    fn read(text: &'t [u8]) -> Option<Self> {
        (text.len() <= 16 * 1024).then_some(())?;
        let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
        let [header, claims, signature] = parts[..] else {
            return None;
        };
        let signature = decode(signature)?;
        (!signature.is_empty()).then_some(())?;
        Some(Self {
            header: object(&decode(header)?)?,
            claims: object(&decode(claims)?)?,
            signed: &text[..text.iter().rposition(|byte| *byte == b'.')?],
            signature,
        })
    }

    /// Whether the signature is `key`'s.
    pub fn is_signed_by(&self, key: &Key) -> bool {
        match key {
            Key::P256(key) => {
                use p256::ecdsa::signature::Verifier;
                let signature = p256::ecdsa::Signature::from_slice(&self.signature);
                let key = key.verifying_key();
                signature.is_ok_and(|signature| key.verify(self.signed, &signature).is_ok())
            }
            key => sign(key, self.signed) == self.signature,
        }
    }
}

/// The signature of the algorithm that the key is for. It is the only one, but
/// for P-256.
pub fn sign(key: &Key, content: &[u8]) -> Vec<u8> {
    let proof = match key {
        Key::P256(key) => {
            use p256::ecdsa::signature::Signer;
            let signature: p256::ecdsa::Signature = key.sign(content);
            return signature.to_bytes().to_vec();
        }
        Key::Secret(_) => Proof::Hmac(Hash::Sha256),
        Key::Ed25519(_) => Proof::Ed25519,
        Key::Rsa { .. } => Proof::Rsa,
    };
    let row = Row {
        proof,
        encoding: Encoding::Base64Url,
        key: KeyForm::Text,
        ..Row::read("t | token | text | header t | plain | text | - | - | -")
    };
    let content = Content {
        before: content.to_vec(),
        after: Vec::new(),
    };
    decode(key.sign(&row, &content).as_bytes()).expect("what was just encoded")
}

/// An object in which no key is repeated at any depth.
pub fn object(text: &[u8]) -> Option<Map<String, Value>> {
    let value: Value = serde_json::from_slice(text).ok()?;
    (!json::parse(text)?.repeats_a_key()).then_some(())?;
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
