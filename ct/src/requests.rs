//! Genuine and forged requests, each named for what is right or wrong with it.

use http::{HeaderValue, Request, Uri};
use tower_webhook::Secret;
use tower_webhook::signature::{Algorithm, Encoding, Grammar, Hash, Part, Scheme, Source};
use tower_webhook::testing::Signer;

use crate::case::{Body, Case, NOW};

/// Of one length, so that the requests that are made with them are, too.
pub const KEYS: [&[u8]; 3] = [
    b"ZV9sT2b7QnC4xLk8h3JwYp0R",
    b"fM6eGd1uB5iNa8XoKc2vHq7t",
    b"Er6yUgS1lWz9mDj0oPz4cVb3",
];
/// The key of somebody else.
pub const OTHER: &[u8] = b"Tq8nRk2wLs5vXf7hJd3gMb6y";

const BODY: &[u8] = &[b'x'; 300];
const VERSION: &str = "v1";

/// All cases but those of the presets.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let both = [Body::Whole, Body::Pieces];
    for (hash, name) in [
        (Hash::Sha1, "HMAC-SHA1"),
        (Hash::Sha256, "HMAC-SHA256"),
        (Hash::Sha512, "HMAC-SHA512"),
    ] {
        let scheme = Scheme::hmac(name, hash).with_signature(header(), versioned());
        several_signatures(&mut cases, &scheme, &both);
    }
    for (hash, name) in [
        (Hash::Sha1, "secret in a SHA-1"),
        (Hash::Sha256, "secret in a SHA-256"),
        (Hash::Sha512, "secret in a SHA-512"),
    ] {
        let scheme = Scheme::hash(name, hash)
            .with_content([Part::Body, Part::Secret])
            .with_signature(header(), versioned());
        several_signatures(&mut cases, &scheme, &both[..1]);
    }
    let scheme = Scheme::token("token, versioned").with_signature(header(), versioned());
    several_signatures(&mut cases, &scheme, &both);
    for scheme in tokens() {
        one_signature(&mut cases, &scheme, &both);
    }
    cases
}

fn header() -> Source {
    Source::header("x-signature")
}

fn versioned() -> Grammar {
    Grammar::versioned(VERSION)
}

fn tokens() -> [Scheme; 4] {
    let credentials = |name: &'static str| {
        let grammar = Grammar::Authorization {
            scheme: name.into(),
        };
        Scheme::token(format!("{name} token"))
            .with_signature(Source::header("authorization"), grammar)
    };
    [
        Scheme::token("token").with_signature(header(), Grammar::Plain),
        Scheme::token("token in the query").with_signature(Source::query("token"), Grammar::Plain),
        credentials("Bearer"),
        credentials("Basic").with_encoding(Encoding::Base64),
    ]
}

/// One signature, with one key and with three.
fn one_signature(cases: &mut Vec<Case>, scheme: &Scheme, bodies: &[Body]) {
    let shape = Shape {
        scheme,
        keys: &KEYS[..1],
        bodies,
    };
    let [first, second, third] = KEYS.map(|key| text(scheme, key));
    shape.add(cases, "right", &[&first], true);
    for (what, wrong) in wrong(scheme, KEYS[0]) {
        shape.add(cases, what, &[&wrong], false);
    }
    let shape = Shape {
        keys: &KEYS,
        ..shape
    };
    shape.add(cases, "first key", &[&first], true);
    shape.add(cases, "second key", &[&second], true);
    shape.add(cases, "last key", &[&third], true);
    shape.add(cases, "no key", &[&text(scheme, OTHER)], false);
    for (what, wrong) in wrong(scheme, KEYS[1]) {
        shape.add(cases, what, &[&wrong], false);
    }
}

/// And four signatures.
fn several_signatures(cases: &mut Vec<Case>, scheme: &Scheme, bodies: &[Body]) {
    one_signature(cases, scheme, bodies);
    let [first, second, third] = &KEYS.map(|key| text(scheme, key));
    let no = &text(scheme, OTHER);
    let [one_key, three_keys] = [&KEYS[..1], &KEYS].map(|keys| Shape {
        scheme,
        keys,
        bodies,
    });
    one_key.add(cases, "first signature", &[first, no, no, no], true);
    one_key.add(cases, "second signature", &[no, first, no, no], true);
    one_key.add(cases, "last signature", &[no, no, no, first], true);
    one_key.add(cases, "all signatures", &[first, first, first, first], true);
    one_key.add(cases, "no signature", &[no, no, no, no], false);
    three_keys.add(cases, "first of first", &[first, no, no, no], true);
    three_keys.add(cases, "last of first", &[no, no, no, first], true);
    three_keys.add(cases, "first of last", &[third, no, no, no], true);
    three_keys.add(cases, "last of last", &[no, no, no, third], true);
    three_keys.add(cases, "all keys", &[third, second, first, no], true);
    three_keys.add(cases, "no key", &[no, no, no, no], false);
}

/// Cases that must take the same time, but for the verdict.
#[derive(Clone, Copy)]
struct Shape<'a> {
    scheme: &'a Scheme,
    keys: &'a [&'a [u8]],
    bodies: &'a [Body],
}

impl Shape<'_> {
    fn add(self, cases: &mut Vec<Case>, what: &str, signatures: &[&String], accepted: bool) {
        let request = request(self.scheme, signatures);
        for body in self.bodies {
            cases.push(Case {
                family: format!("{}, {body:?}", self.scheme.name()),
                shape: format!("{} keys, {} signatures", self.keys.len(), signatures.len()),
                what: what.to_owned(),
                scheme: self.scheme.clone(),
                keys: self.keys.iter().map(|key| key.to_vec()).collect(),
                request: request.clone(),
                body: *body,
                accepted,
                verdicts: match self.scheme.algorithm() {
                    Algorithm::Token if accepted => 2,
                    _ => 1,
                },
            });
        }
    }
}

fn request(scheme: &Scheme, signatures: &[&String]) -> Request<bytes::Bytes> {
    let mut request = signed(scheme, KEYS[0]);
    match &scheme.signatures()[0] {
        Source::Query(name) => {
            let uri = format!("/hook?{name}={}", signatures[0]);
            *request.uri_mut() = Uri::try_from(uri).expect("a token that may stand in a URI");
        }
        source => {
            let value = match scheme.grammar() {
                Grammar::Versioned { version } => signatures
                    .iter()
                    .map(|text| format!("{version},{text}"))
                    .collect::<Vec<_>>()
                    .join(" "),
                Grammar::Authorization { scheme } => format!("{scheme} {}", signatures[0]),
                _ => signatures[0].clone(),
            };
            let value = HeaderValue::try_from(value).expect("signatures are visible ASCII");
            *request
                .headers_mut()
                .get_mut(name(source))
                .expect("a signed request") = value;
        }
    }
    request
}

fn name(source: &Source) -> &str {
    match source {
        Source::Header(names) => &names[0],
        other => panic!("{other:?} is not a header"),
    }
}

fn signed(scheme: &Scheme, key: &[u8]) -> Request<bytes::Bytes> {
    Signer::new(scheme.clone(), Secret::from_bytes(key))
        .expect("a valid scheme and key")
        .at(NOW)
        .sign("/hook", BODY)
}

/// The signature by itself.
fn text(scheme: &Scheme, key: &[u8]) -> String {
    let request = signed(scheme, key);
    let value = match &scheme.signatures()[0] {
        Source::Query(_) => request
            .uri()
            .query()
            .unwrap_or_default()
            .replace("token=", " "),
        source => {
            let value = &request.headers()[name(source)];
            value.to_str().expect("visible ASCII").to_owned()
        }
    };
    let text = value.rsplit([' ', ',']).next();
    text.expect("a signature").to_owned()
}

/// Signatures that are nearly that of `key`, as long as it is.
fn wrong(scheme: &Scheme, key: &[u8]) -> Vec<(&'static str, String)> {
    let is_token = scheme.algorithm() == Algorithm::Token;
    let right = match is_token {
        true => key.to_vec(),
        false => text(scheme, key).into_bytes(),
    };
    let end = right.len();
    let changed = |places: std::ops::Range<usize>| {
        let mut wrong = right.clone();
        for byte in &mut wrong[places] {
            // Stays a letter or a digit, of hex too.
            *byte = match *byte {
                b'a' | b'A' | b'0' => *byte + 1,
                b'b'..=b'z' | b'B'..=b'Z' | b'1'..=b'9' => *byte - 1,
                other => other,
            };
        }
        match is_token {
            true => text(scheme, &wrong),
            false => String::from_utf8(wrong).expect("ASCII"),
        }
    };
    vec![
        ("first byte wrong", changed(0..1)),
        ("middle byte wrong", changed(end / 2..end / 2 + 1)),
        ("last byte wrong", changed(end - 1..end)),
        ("second half wrong", changed(end / 2..end)),
        ("every byte wrong", changed(0..end)),
    ]
}
