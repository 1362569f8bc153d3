//! The other direction: what a provider would send. Only for tests and tools.

use http::{HeaderName, Method};

use super::compiled::{Piece, SignaturePlace, TimestampPlace, name_of};
use super::mac::MacState;
use super::scheme::Algorithm;
use super::verifier::Inner;
use crate::{Secret, Timestamp};

/// The parts of a signed request besides its body.
pub(crate) struct Signed {
    pub(crate) method: Method,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) query: Option<String>,
}

impl Inner {
    pub(crate) fn sign(
        &self,
        secret: &Secret,
        body: &[u8],
        at: Timestamp,
        event_id: &str,
        family: usize,
    ) -> Signed {
        let compiled = &self.compiled;
        let scheme = &compiled.scheme;
        let mut headers: Vec<(HeaderName, String)> = compiled
            .fixed_headers
            .iter()
            .map(|(name, value)| {
                (
                    name.clone(),
                    String::from_utf8_lossy(value.as_bytes()).into(),
                )
            })
            .collect();
        let mut fields = Vec::new();
        let mut timestamp = String::new();
        if let Some((place, rule)) = &compiled.timestamp {
            timestamp = rule.format.write(at);
            match place {
                TimestampPlace::Header(names) => headers
                    .extend(name_of(names, family).map(|name| (name.clone(), timestamp.clone()))),
                TimestampPlace::Field(key) => fields.push((key.as_str(), timestamp.as_str())),
                TimestampPlace::Pointer(_) => {}
            }
        }
        if let Some(names) = &compiled.id_header {
            headers.extend(name_of(names, family).map(|name| (name.clone(), event_id.to_owned())));
        }

        let signature = match scheme.algorithm {
            Algorithm::Token => match scheme.encoding {
                super::Encoding::Text => String::from_utf8_lossy(secret.as_bytes()).into_owned(),
                encoding => encoding.encode(secret.as_bytes()),
            },
            Algorithm::Hmac(_) => {
                let Some(key) = self.keys.first() else {
                    return Signed {
                        method: Method::POST,
                        headers,
                        query: None,
                    };
                };
                let mut state = key.state.clone();
                add(&mut state, &compiled.before_body, &timestamp, event_id);
                state.update(body);
                add(&mut state, &compiled.after_body, &timestamp, event_id);
                let tag = state.tag().to_bytes();
                scheme
                    .encoding
                    .encode(tag.get(..compiled.tag_len).unwrap_or(&tag))
            }
        };
        let value = scheme.grammar.write(&fields, &[signature]);
        let mut query = None;
        match compiled.signatures.first() {
            Some(SignaturePlace::Header(names)) => {
                headers.extend(name_of(names, family).map(|name| (name.clone(), value)));
            }
            Some(SignaturePlace::Query(name)) => query = Some(format!("{name}={value}")),
            None => {}
        }
        Signed {
            method: scheme.methods.first().cloned().unwrap_or(Method::POST),
            headers,
            query,
        }
    }
}

fn add(state: &mut MacState, pieces: &[Piece], timestamp: &str, event_id: &str) {
    for piece in pieces {
        state.update(match piece {
            Piece::Literal(bytes) => bytes,
            Piece::Timestamp => timestamp.as_bytes(),
            Piece::EventId => event_id.as_bytes(),
        });
    }
}
