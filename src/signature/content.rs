//! The signed content, put together from a whole request.

use sha2::{Digest, Sha256};

use super::form;
use super::json;
use super::judged::Judged;
use super::protocol::{Content, signed_header};
use super::scheme::{Part, RepeatedNames};
use super::whole::malformed;
use crate::rejection::{Rejection, RejectionKind};

impl Judged<'_> {
    /// The signed content, and its alternatives if a URL has several forms. The
    /// first is the one that deduplication knows the delivery by.
    pub(super) fn contents(&self, body: &[u8], item: &[u8]) -> Result<Vec<Content>, Rejection> {
        let scheme = &self.inner.compiled.scheme;
        let mut contents = vec![Content::default()];
        for part in &scheme.content {
            if *part == Part::Secret {
                for content in &mut contents {
                    content.secret_at = Some(content.bytes.len());
                }
                continue;
            }
            let texts = self.texts(part, body, item)?;
            contents = texts
                .iter()
                .flat_map(|text| {
                    contents.iter().map(|content| {
                        let mut content = content.clone();
                        content.bytes.extend_from_slice(text);
                        content
                    })
                })
                .collect();
        }
        Ok(contents)
    }

    /// The alternatives of one piece; at least one.
    fn texts(&self, part: &Part, body: &[u8], item: &[u8]) -> Result<Vec<Vec<u8>>, Rejection> {
        let scheme = &self.inner.compiled.scheme;
        let one = match part {
            Part::Literal(text) => text.as_bytes().to_vec(),
            Part::Timestamp => self.signed.timestamp.to_vec(),
            Part::EventId => self.signed.event_id.to_vec(),
            Part::Body => body.to_vec(),
            Part::BodyDigest(hash) => hash.digest(body),
            Part::Secret => Vec::new(),
            Part::Header(name) => signed_header(self.parts, name)?.to_vec(),
            Part::Method => self.parts.method.as_str().as_bytes().to_vec(),
            Part::Url(form) => {
                let texts = scheme.signed_url()?.texts(self.parts, *form)?;
                return Ok(texts.into_iter().map(String::into_bytes).collect());
            }
            Part::SortedForm { repeated, digest } => {
                self.form_or_digest(*repeated, digest.as_deref(), body)?
            }
            Part::Value { pointer, missing } => {
                let value = json::read(item, pointer).map_err(|_| malformed("a signed value"))?;
                let value = value.or_else(|| missing.as_deref().map(str::to_owned));
                let Some(value) = value else {
                    return Err(Rejection::new(RejectionKind::MissingSignedValue)
                        .with_detail(pointer.clone()));
                };
                value.into_bytes()
            }
        };
        Ok(vec![one])
    }

    /// The digest of the body in the query of the URL that is signed. The
    /// request's own query is not, where the URL is configured as a whole.
    fn stated_digest(&self, parameter: &str) -> Result<Option<String>, Rejection> {
        let url = self.inner.compiled.scheme.signed_url()?.text(self.parts)?;
        let query = url.split_once('?').map_or("", |(_, query)| query);
        form::value(query.as_bytes(), parameter).map_err(|_| malformed("the digest in the query"))
    }

    /// Judges what the signed content takes from the headers, so that no body is
    /// awaited that could not be genuine.
    pub(super) fn precheck(&self) -> Result<(), Rejection> {
        let scheme = &self.inner.compiled.scheme;
        for part in &scheme.content {
            match part {
                Part::Header(name) => drop(signed_header(self.parts, name)?),
                Part::Url(form) => {
                    if let Some(url) = &scheme.public_url {
                        url.texts(self.parts, *form)?;
                    }
                }
                Part::SortedForm { digest, .. } => {
                    self.is_form()?;
                    if let Some(parameter) = digest {
                        self.stated_digest(parameter)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_form(&self) -> Result<bool, Rejection> {
        form::is_form(&self.parts.headers).map_err(|_| malformed("the content type"))
    }

    fn form_or_digest(
        &self,
        repeated: RepeatedNames,
        digest: Option<&str>,
        body: &[u8],
    ) -> Result<Vec<u8>, Rejection> {
        // Also where it decides nothing here: behind us, it does.
        let is_form = self.is_form()?;
        if let Some(parameter) = digest
            && let Some(stated) = self.stated_digest(parameter)?
        {
            return same_digest(&stated, body);
        }
        if is_form {
            let sorted = form::sorted(body, repeated).map_err(|_| malformed("the form"))?;
            return Ok(sorted.into_bytes());
        }
        if body.is_empty() && digest.is_some() {
            return Ok(Vec::new());
        }
        // Nothing would bind such a body to the signature.
        Err(Rejection::new(RejectionKind::MissingSignedValue)
            .with_detail("the body is not a form, and the signed URL holds no digest of it"))
    }
}

/// Signs nothing more for a body whose digest, which is signed, is `stated`.
fn same_digest(stated: &str, body: &[u8]) -> Result<Vec<u8>, Rejection> {
    let stated = hex::decode(stated).map_err(|_| malformed("the digest in the query"))?;
    // Not in constant time: neither of the two is secret.
    match stated == Sha256::digest(body).as_slice() {
        true => Ok(Vec::new()),
        false => Err(Rejection::new(RejectionKind::SignatureMismatch)),
    }
}
