//! The other direction: what a provider would send. Only for tests and tools.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Uri};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::compiled::{Compiled, SignaturePlace, TimestampPlace, name_of};
use super::json;
use super::judged::{Judged, Signed};
use super::key::Key;
use super::mac::Tag;
use super::protocol::Content;
use super::scheme::{Algorithm, Part};
use super::verifier::Inner;
use crate::{Secret, Timestamp};

/// What a request is made of.
pub(crate) struct Draft<'a> {
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
    pub(crate) at: Timestamp,
    pub(crate) event_id: &'a str,
    pub(crate) family: usize,
}

/// Computes a signature or token.
pub(crate) enum SignWith<'a> {
    Key(&'a Key),
    Token(&'a Secret),
    #[cfg(feature = "public-key")]
    KeyPair(&'a super::public_key::KeyPair),
}

impl Inner {
    /// A signed request; `None` if a value cannot stand in a header, the body
    /// lacks what the scheme reads from it, or the scheme is not data.
    pub(crate) fn sign(
        self: &Arc<Self>,
        with: &SignWith<'_>,
        draft: Draft<'_>,
    ) -> Option<Request<Bytes>> {
        let compiled = &self.compiled;
        let scheme = &compiled.scheme;
        if scheme.protocol.is_some() {
            return None;
        }
        let mut timestamp = String::new();
        let mut fields = Vec::new();
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = draft.uri;
        parts.method = scheme.methods.first()?.clone();
        for (name, value) in &compiled.fixed_headers {
            parts.headers.insert(name, value.clone());
        }
        if let Some((place, rule)) = &compiled.timestamp {
            timestamp = rule.format.write(draft.at);
            match place {
                TimestampPlace::Header(names) => {
                    let name = name_of(names, draft.family)?;
                    parts
                        .headers
                        .insert(name, HeaderValue::from_str(&timestamp).ok()?);
                }
                TimestampPlace::Field(key) => fields.push((key.as_str(), timestamp.as_str())),
                TimestampPlace::Pointer(_) => {}
            }
        }
        if let Some(names) = &compiled.id_header {
            let id = HeaderValue::from_str(draft.event_id).ok()?;
            parts.headers.insert(name_of(names, draft.family)?, id);
        }
        add_signed_parts(compiled, &mut parts, &draft.body)?;

        let signed = Signed {
            timestamp: timestamp.as_bytes(),
            event_id: draft.event_id.as_bytes(),
        };
        let judged = Judged::unjudged(self, &parts, draft.at, signed);
        let pointers = match &scheme.each {
            None => vec![String::new()],
            Some(each) => {
                let items = json::items(&draft.body, each).ok()??;
                (0..items.len())
                    .map(|index| format!("{each}/{index}"))
                    .collect()
            }
        };
        let mut values = Vec::new();
        for pointer in &pointers {
            let item = match pointer.is_empty() {
                true => draft.body.to_vec(),
                false => json::items(&draft.body, scheme.each()?)
                    .ok()??
                    .get(values.len())?
                    .to_vec(),
            };
            let contents = judged.contents(&draft.body, &item).ok()?;
            let signature = with.sign(compiled, contents.first()?)?;
            values.push(scheme.grammar.write(&fields, &[signature]));
        }
        let body = place(
            compiled,
            draft.family,
            &mut parts,
            draft.body,
            &pointers,
            values,
        )?;
        Some(Request::from_parts(parts, body))
    }
}

/// What is signed and has no source of its own: headers, and the digest of a
/// body that is not a form.
fn add_signed_parts(compiled: &Compiled, parts: &mut Parts, body: &Bytes) -> Option<()> {
    for part in &compiled.scheme.content {
        match part {
            Part::Header(name) => {
                let name = http::HeaderName::try_from(name.as_ref()).ok()?;
                let value = HeaderValue::from_static("signed");
                parts.headers.entry(name).or_insert(value);
            }
            Part::SortedForm { digest, .. } => {
                let is_json = matches!(body.first(), Some(b'{' | b'['));
                let content_type = match digest {
                    Some(digest) if is_json => {
                        let stated = hex::encode(Sha256::digest(body));
                        add_to_query(parts, &format!("{digest}={stated}"))?;
                        "application/json"
                    }
                    _ => "application/x-www-form-urlencoded",
                };
                let content_type = HeaderValue::from_static(content_type);
                parts
                    .headers
                    .insert(http::header::CONTENT_TYPE, content_type);
            }
            _ => {}
        }
    }
    Some(())
}

fn add_to_query(parts: &mut Parts, pair: &str) -> Option<()> {
    let separator = if parts.uri.query().is_some() {
        '&'
    } else {
        '?'
    };
    parts.uri = format!("{}{separator}{pair}", parts.uri).parse().ok()?;
    Some(())
}

/// Writes the signatures where the scheme has them.
fn place(
    compiled: &Compiled,
    family: usize,
    parts: &mut Parts,
    body: Bytes,
    pointers: &[String],
    mut values: Vec<String>,
) -> Option<Bytes> {
    match compiled.signatures.first()? {
        SignaturePlace::Header(names) => {
            let value = HeaderValue::from_str(&values.pop()?).ok()?;
            parts.headers.insert(name_of(names, family)?, value);
        }
        SignaturePlace::Lines(name) => {
            let value = HeaderValue::from_str(&values.pop()?).ok()?;
            parts.headers.append(name, value);
        }
        SignaturePlace::Numbered(names) => {
            let value = HeaderValue::from_str(&values.pop()?).ok()?;
            parts.headers.insert(names.first()?, value);
        }
        SignaturePlace::Query(name) => {
            add_to_query(parts, &format!("{name}={}", values.pop()?))?;
        }
        SignaturePlace::Pointer(pointer) => {
            let mut json: Value = serde_json::from_slice(&body).ok()?;
            for (item, value) in pointers.iter().zip(values) {
                insert(json.pointer_mut(item)?, pointer, value)?;
            }
            return Some(json.to_string().into());
        }
        SignaturePlace::Form(name) => {
            let value = values.pop()?;
            let value =
                percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            let separator = if body.is_empty() { "" } else { "&" };
            let pair = format!("{separator}{name}={value}");
            return Some([&body[..], pair.as_bytes()].concat().into());
        }
    }
    Some(body)
}

/// Sets the value at `pointer`, making the objects on the way to it.
fn insert(mut json: &mut Value, pointer: &str, value: String) -> Option<()> {
    for key in pointer.strip_prefix('/')?.split('/') {
        if let Value::Array(items) = json {
            json = items.get_mut(key.parse::<usize>().ok()?)?;
            continue;
        }
        if json.is_null() {
            *json = Value::Object(serde_json::Map::new());
        }
        json = json.as_object_mut()?.entry(key).or_insert(Value::Null);
    }
    *json = Value::String(value);
    Some(())
}

impl SignWith<'_> {
    fn sign(&self, compiled: &Compiled, content: &Content) -> Option<String> {
        let encoding = compiled.scheme.encoding;
        match (self, compiled.scheme.algorithm) {
            (Self::Token(secret), _) => Some(match encoding {
                super::Encoding::Text => String::from_utf8_lossy(secret.as_bytes()).into_owned(),
                encoding => encoding.encode(secret.as_bytes()),
            }),
            (Self::Key(key), algorithm @ (Algorithm::Hmac(hash) | Algorithm::Hash(hash))) => {
                let tag: Tag = key.tag_of(algorithm, content)?;
                Some(encoding.encode(tag.to_bytes().get(..hash.tag_len())?))
            }
            #[cfg(feature = "public-key")]
            (Self::KeyPair(pair), _) => Some(encoding.encode(&pair.sign(&content.bytes)?)),
            _ => None,
        }
    }
}
