//! HTTP Message Signatures: a request is accepted if, and only if, a second
//! reading of RFC 9421 and RFC 9530 accepts what it says to be signed, and the
//! signature is over that; and what is covered cannot be changed.

#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256, Sha512};
use tower_webhook::keys::{AsyncVerifier, MemoryKeys};
use tower_webhook::signature::ReceivedUri;
use tower_webhook::{Timestamp, Verifier};
use tower_webhook_fuzz::body::block_on;
use tower_webhook_fuzz::components::{Message, Url};
use tower_webhook_fuzz::message::{Laxness, Statement};
use tower_webhook_fuzz::oracle::NOW;
use tower_webhook_fuzz::signers::{Configured, is_signed_by, sign};
use tower_webhook_fuzz::text::Text;
use tower_webhook_fuzz::url::target;

/// What stands in a header for what belongs there: the signature, the body's
/// digests, and the time in seconds.
const SIGNATURE: u8 = 1;
const SHA_256: u8 = 2;
const SHA_512: u8 = 3;
const TIME: u8 = 4;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    algorithm: u8,
    late: i16,
    /// Who signs: somebody else if it is odd.
    signer: u8,
    /// What happens to the signed request: see [`Input::tamper`].
    tampering: u8,
    bit: u16,
    /// The configuration (see [`Configured::read`]), the method and target, each
    /// on a line, headers, an empty line, and the body.
    text: &'a [u8],
}

#[derive(Clone)]
struct Sent {
    parts: Parts,
    body: Vec<u8>,
    /// In seconds.
    now: i64,
}

fuzz_target!(|input: Input<'_>| {
    let lines: Vec<&[u8]> = input.text.splitn(3, |byte| *byte == b'\n').collect();
    let [configured, first, rest] = lines[..] else {
        return;
    };
    let Some(receiver) = str::from_utf8(configured)
        .ok()
        .and_then(|text| Configured::read(input.algorithm, text))
    else {
        return;
    };
    let scheme = receiver.scheme();
    let key = &receiver.pair.current;
    let verifier = Verifier::new(scheme.clone(), receiver.secret());
    assert_eq!(verifier.is_ok(), receiver.rules.are_valid(), "{receiver:?}");
    let Ok(verifier) = verifier else { return };
    let looked_up = receiver.key_set().map(|set| {
        let keys = MemoryKeys::from_jwk_set(set.as_bytes()).expect("a set");
        AsyncVerifier::with_keys(scheme, Arc::new(keys)).expect("a scheme with public keys")
    });
    let requests = input.signed(&receiver, first, rest);

    // The statement of a request that is accepted.
    let check = |sent: &Sent| -> Option<Statement> {
        let Sent { parts, body, now } = sent;
        let millis = now * 1000 + NOW % 1000;
        let time = Timestamp::from_unix_millis(millis);
        let statement = sent.with_message(|message| receiver.rules.judge(message));
        let genuine = statement.filter(|statement| {
            let named = looked_up.is_none() || statement.key_id.as_deref() == Some("k");
            named && is_signed_by(&receiver, key, statement)
        });
        let accepted = match &looked_up {
            None => verifier
                .verify(parts, body, time)
                .map(|verified| verified.timestamp()),
            Some(verifier) => {
                let verify = verifier.verify(parts, Bytes::copy_from_slice(body), time);
                let delivery = block_on(async { Ok(verify.await) });
                delivery.map(|delivery| delivery.timestamp())
            }
        };
        let context = || format!("{receiver:?} {parts:?} {} {now}", body.escape_ascii());
        let created = genuine.as_ref().map(|statement| statement.created);
        assert_eq!(
            accepted.ok(),
            created.map(|created| Some(Timestamp::from_unix_seconds(created))),
            "{}",
            context()
        );
        genuine
    };
    let Some((sent, others)) = requests.split_first() else {
        return;
    };
    for other in others {
        check(other);
    }
    let accepted = check(sent);
    let mut changed = sent.clone();
    let expected = input.tamper(&mut changed, &receiver, accepted.as_ref());
    let also = check(&changed);
    if let (Some(expected), Some(_)) = (expected, accepted) {
        assert_eq!(
            also.is_some(),
            expected,
            "{receiver:?} {:?} {:?} {}",
            sent.parts,
            changed.parts,
            changed.body.escape_ascii()
        );
    }
});

impl Input<'_> {
    /// The request, signed in each way that somebody may take for right. The
    /// first is right, if one is.
    fn signed(&self, receiver: &Configured, first: &[u8], rest: &[u8]) -> Vec<Sent> {
        let text = Text::split(rest);
        let Some(mut sent) = self.unsigned(receiver, first, text.body) else {
            return Vec::new();
        };
        sent.set_headers(&text, "");
        let mut bases = Vec::new();
        for laxness in Laxness::all() {
            let base = sent.with_message(|message| receiver.rules.presumed(message, laxness));
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
        let key = match self.signer % 2 {
            0 => &receiver.pair.current,
            _ => &receiver.pair.other,
        };
        let signed = bases.iter().map(|base| {
            let mut sent = sent.clone();
            sent.set_headers(&text, &STANDARD.encode(sign(receiver, key, base)));
            sent
        });
        signed.collect()
    }

    fn unsigned(&self, receiver: &Configured, first: &[u8], body: &[u8]) -> Option<Sent> {
        let (method, uri) = str::from_utf8(first).ok()?.split_once(' ')?;
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        // No `*`, and no CONNECT.
        let is_usual = uri.starts_with('/') || uri.contains("://");
        let uri = Uri::try_from(uri).ok().filter(|_| is_usual)?;
        if let Some(url) = receiver.rules.url.text(&target(&uri)) {
            Uri::try_from(url).ok()?;
        }
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        Some(Sent {
            parts: request.into_parts().0,
            body: body.to_vec(),
            now: NOW / 1000 + i64::from(self.late),
        })
    }

    /// Changes a request; whether it must be accepted still if it was before,
    /// where that can be said without reading it again.
    fn tamper(
        &self,
        sent: &mut Sent,
        receiver: &Configured,
        statement: Option<&Statement>,
    ) -> Option<bool> {
        let covered = statement.map_or(&[][..], |statement| &statement.covered);
        let covers = |names: &[&str]| covered.iter().any(|name| names.contains(&name.as_str()));
        let is_registered = matches!(receiver.rules.url, Url::Registered(_));
        let bit = usize::from(self.bit);
        match self.tampering % 13 {
            1 => sent.flip("signature", bit),
            2 => sent.flip("signature-input", bit),
            3 => {
                sent.flip("content-digest", bit);
            }
            4 => {
                sent.body.push(bit as u8);
                let holds = covers(&["content-digest"]) || receiver.rules.protects_body;
                return Some(!holds);
            }
            5 => {
                let names: Vec<HeaderName> = sent.parts.headers.keys().cloned().collect();
                let added = HeaderName::from_static("x-added");
                let name = names.get(bit % (names.len() + 1)).unwrap_or(&added);
                let is_read = ["signature", "signature-input"].contains(&name.as_str());
                sent.parts
                    .headers
                    .append(name, HeaderValue::from_static("x"));
                return (!is_read).then(|| !covers(&[name.as_str()]));
            }
            6 => {
                let target = target(&sent.parts.uri);
                let separator = if target.contains('?') { '&' } else { '?' };
                sent.parts.uri = format!("{target}{separator}t").parse().ok()?;
                let holds = covers(&["@query", "@request-target", "@target-uri"]);
                // It may be the parameter that is covered, repeated.
                let is_known = is_registered || holds || !covers(&["@query-param"]);
                return is_known.then_some(is_registered || !holds);
            }
            7 => {
                sent.parts.uri = format!("/x{}", target(&sent.parts.uri)).parse().ok()?;
                let holds = covers(&["@path", "@request-target", "@target-uri"]);
                return Some(is_registered || !holds);
            }
            8 => {
                let get = sent.parts.method == Method::GET;
                sent.parts.method = if get { Method::POST } else { Method::GET };
                return Some(!covers(&["@method"]));
            }
            9 => {
                let received = std::mem::replace(&mut sent.parts.uri, Uri::from_static("/y?z"));
                sent.parts.extensions.insert(ReceivedUri(received));
                return Some(true);
            }
            10 | 11 => {
                let away = receiver.rules.tolerance + 1;
                let away = if self.tampering % 13 == 10 {
                    away
                } else {
                    -away
                };
                sent.now = statement?.created + away;
                return Some(false);
            }
            12 => {
                let line = sent.parts.headers.get_mut("signature-input")?;
                let more = [line.as_bytes(), b";nonce=\"n\""].concat();
                let is_one = !more.contains(&b',');
                *line = HeaderValue::from_bytes(&more).ok()?;
                return is_one.then_some(false);
            }
            _ => return Some(true),
        }
        None
    }
}

impl Sent {
    fn set_headers(&mut self, text: &Text<'_>, signature: &str) {
        self.parts.headers.clear();
        for (name, value) in &text.lines {
            let value = self.filled(value, signature);
            let name = HeaderName::from_bytes(name);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&value)) {
                self.parts.headers.append(name, value);
            }
        }
    }

    fn filled(&self, value: &[u8], signature: &str) -> Vec<u8> {
        let digest = |digest: &[u8]| STANDARD.encode(digest).into_bytes();
        let filled = value.iter().map(|byte| match *byte {
            SIGNATURE => signature.as_bytes().to_vec(),
            SHA_256 => digest(&Sha256::digest(&self.body)),
            SHA_512 => digest(&Sha512::digest(&self.body)),
            TIME => (NOW / 1000).to_string().into_bytes(),
            byte => vec![byte],
        });
        filled.collect::<Vec<_>>().concat()
    }

    /// A bit of the first line.
    fn flip(&mut self, name: &str, bit: usize) {
        let Some(line) = self.parts.headers.get_mut(name) else {
            return;
        };
        let mut bytes = line.as_bytes().to_vec();
        let at = (bit / 8) % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << (bit % 8);
        }
        if let Ok(changed) = HeaderValue::from_bytes(&bytes) {
            *line = changed;
        }
    }

    fn with_message<T>(&self, with: impl FnOnce(&Message<'_>) -> T) -> T {
        let uri = match self.parts.extensions.get() {
            Some(ReceivedUri(uri)) => uri,
            None => &self.parts.uri,
        };
        with(&Message {
            method: self.parts.method.as_str(),
            target: &target(uri),
            headers: &self.parts.headers,
            body: &self.body,
            now: self.now,
        })
    }
}
