//! Judges requests whose body must be there as a whole: where the signature or
//! signed values are in it, where a public key signs, or where code says what
//! is signed.

use sha2::{Digest, Sha256};
use subtle::Choice;

use super::form;
use super::json;
use super::judged::Judged;
use super::key::{Key, Material};
use super::mac::{Matching, Tag, hash_around, token_tag};
#[cfg(feature = "public-key")]
use super::protocol::KeyName;
use super::protocol::{Content, Received, Statement};
use super::scheme::Algorithm;
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};

/// What all statements of a request come to.
pub(super) struct Proved {
    pub(super) key: u32,
    /// A digest of what was signed.
    pub(super) tag: Tag,
    pub(super) timestamp: Option<Timestamp>,
}

impl Judged<'_> {
    /// Proves everything that a request claims to be signed.
    pub(super) fn prove(&self, body: &[u8]) -> Result<Proved, Rejection> {
        let statements = self.statements(body)?;
        let mismatch = || Rejection::new(RejectionKind::SignatureMismatch);
        let mut key = None;
        let mut digest = Sha256::new();
        for statement in &statements {
            let (matching, _) = self
                .matching_statement(statement)
                .decide()
                .ok_or_else(mismatch)?;
            key = key.or(Some(matching));
            if let Some(content) = statement.contents.first() {
                digest.update(content.bytes.len().to_be_bytes());
                digest.update(&content.bytes);
            }
        }
        Ok(Proved {
            // No statement, no proof: an empty list must not pass.
            key: key.ok_or_else(mismatch)?,
            tag: Tag::from_bytes(&digest.finalize()),
            timestamp: statements.iter().find_map(|statement| statement.timestamp),
        })
    }

    /// The key that the request names, once everything that needs no key is
    /// judged.
    #[cfg(feature = "public-key")]
    pub(super) fn wanted_key(&self, body: &[u8]) -> Result<Option<KeyName>, Rejection> {
        let statements = self.statements(body)?;
        Ok(statements.into_iter().find_map(|statement| statement.key))
    }

    fn statements(&self, body: &[u8]) -> Result<Vec<Statement>, Rejection> {
        let scheme = &self.inner.compiled.scheme;
        if let Some(protocol) = &scheme.protocol {
            let received = Received {
                parts: self.parts,
                body,
                now: self.now,
                scheme,
            };
            return Ok(vec![protocol.0.judge(&received)?]);
        }
        let Some(each) = &scheme.each else {
            return Ok(vec![self.statement(body, body)?]);
        };
        let items = json::items(body, each).map_err(|_| malformed("the signed items"))?;
        let items = items.ok_or_else(|| malformed("the signed items"))?;
        items
            .into_iter()
            .map(|item| self.statement(body, item))
            .collect()
    }

    /// What one item of the body (or all of it) claims.
    fn statement(&self, body: &[u8], item: &[u8]) -> Result<Statement, Rejection> {
        let compiled = &self.inner.compiled;
        Ok(Statement {
            contents: self.contents(body, item)?,
            signatures: match &self.listed {
                Some(listed) => listed.clone(),
                None => compiled.signatures_in_body(item)?,
            },
            algorithm: None,
            key: None,
            timestamp: None,
        })
    }

    fn matching_statement(&self, statement: &Statement) -> Matching {
        let algorithm = statement.algorithm;
        let algorithm = algorithm.unwrap_or(self.inner.compiled.scheme.algorithm);
        let candidates: Vec<Tag> = match algorithm {
            Algorithm::Token => {
                let tokens = statement.signatures.iter();
                tokens.map(|token| token_tag(token)).collect()
            }
            Algorithm::Hmac(hash) | Algorithm::Hash(hash) => statement
                .signatures
                .iter()
                .filter(|signature| signature.len() == hash.tag_len())
                .map(|signature| Tag::from_bytes(signature))
                .collect(),
            #[cfg(feature = "public-key")]
            Algorithm::PublicKey(_) => Vec::new(),
        };
        let mut matching = Matching::new();
        for (position, key) in self.active_keys() {
            for content in &statement.contents {
                match algorithm {
                    #[cfg(feature = "public-key")]
                    Algorithm::PublicKey(algorithm) => {
                        let mut signatures = statement.signatures.iter();
                        let verified = match &key.material {
                            Material::Public(key) => signatures.any(|signature| {
                                key.verifies(algorithm, &content.bytes, signature)
                            }),
                            _ => false,
                        };
                        matching.fold(position, &Tag::ZERO, Choice::from(u8::from(verified)));
                    }
                    _ => match key.tag_of(algorithm, content) {
                        Some(tag) => matching.compare(position, &tag, candidates.iter()),
                        None => matching.fold(position, &Tag::ZERO, Choice::from(0)),
                    },
                }
            }
        }
        matching
    }
}

impl Key {
    /// The tag of `content`; `None` if the key is not for such an algorithm.
    pub(super) fn tag_of(&self, algorithm: Algorithm, content: &Content) -> Option<Tag> {
        match (algorithm, &self.material, content.secret_at) {
            (Algorithm::Hash(hash), Material::Secret(secret), Some(at)) => {
                hash_around(hash, &content.bytes, secret, at)
            }
            (Algorithm::Hmac(_) | Algorithm::Token, Material::Mac(state), None) => {
                Some(state.tag_of(|update| update(&content.bytes)))
            }
            _ => None,
        }
    }
}

impl super::compiled::Compiled {
    /// The signatures that the body holds.
    fn signatures_in_body(&self, item: &[u8]) -> Result<Vec<Vec<u8>>, Rejection> {
        use super::compiled::SignaturePlace;
        let mut signatures = Vec::new();
        let mut count = 0;
        for place in &self.signatures {
            let value = match place {
                SignaturePlace::Pointer(pointer) => {
                    json::read(item, pointer).map_err(|_| malformed("the signature"))?
                }
                SignaturePlace::Form(name) => {
                    form::value(item, name).map_err(|_| malformed("the signature"))?
                }
                _ => None,
            };
            if let Some(value) = value {
                self.listed(value.as_bytes(), &mut count, &mut signatures)
                    .ok_or_else(|| Rejection::new(RejectionKind::TooManySignatures))?;
            } else {
                return Err(Rejection::new(RejectionKind::MissingSignature));
            }
        }
        if signatures.is_empty() {
            return Err(Rejection::new(RejectionKind::MalformedSignature));
        }
        Ok(signatures)
    }
}

pub(super) fn malformed(what: &'static str) -> Rejection {
    Rejection::new(RejectionKind::MalformedBody).with_detail(what)
}
