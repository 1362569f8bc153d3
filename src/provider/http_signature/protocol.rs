//! Finds the signature, and what it is over (RFC 9421 section 3.2).

use std::time::Duration;

use http::request::Parts;
use sfv::{BareItemFromInput, ListSerializer};

use super::components::{Component, malformed};
use super::digest::{self, CONTENT_DIGEST};
use super::fields::{Member, Value, dictionary, joined};
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Coverage, KeyName, Protocol, Received, Scheme, Statement, TimestampRule};

const SIGNATURE: &str = "signature";
const SIGNATURE_INPUT: &str = "signature-input";

/// What [`HttpSignature`](super::HttpSignature) configures.
#[derive(Debug)]
pub(super) struct HttpSignatureProtocol {
    /// As it is registered: `hmac-sha256`.
    pub(super) algorithm: &'static str,
    pub(super) label: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) required: Vec<String>,
    pub(super) protects_body: bool,
    pub(super) created: TimestampRule,
}

/// A signature's parameters (RFC 9421 section 2.3).
#[derive(Debug, Default)]
struct Parameters<'m> {
    created: Option<i64>,
    expires: Option<i64>,
    algorithm: Option<&'m str>,
    key_id: Option<&'m str>,
    tag: Option<&'m str>,
}

impl<'m> Parameters<'m> {
    fn new(member: &'m Member<'_>) -> Result<Self, Rejection> {
        let mut read = Self::default();
        for (key, value) in &member.parameters {
            match (key.as_str(), value) {
                ("created", BareItemFromInput::Integer(time)) => {
                    read.created = Some((*time).into());
                }
                ("expires", BareItemFromInput::Integer(time)) => {
                    read.expires = Some((*time).into());
                }
                ("alg", BareItemFromInput::String(text)) => read.algorithm = Some(text.as_str()),
                ("keyid", BareItemFromInput::String(text)) => read.key_id = Some(text.as_str()),
                ("tag", BareItemFromInput::String(text)) => read.tag = Some(text.as_str()),
                ("nonce", BareItemFromInput::String(_)) => {}
                _ => return Err(malformed("an unknown signature parameter")),
            }
        }
        Ok(read)
    }
}

/// The one signature that counts.
struct Chosen<'m> {
    label: &'m str,
    components: Vec<Component<'m>>,
    parameters: Parameters<'m>,
    created: Timestamp,
    /// The list with its parameters, written in the one form.
    serialized: String,
}

impl HttpSignatureProtocol {
    /// Chooses by what is configured; the sender's order decides nothing.
    fn choose<'m>(
        &self,
        members: &'m [Member<'m>],
        now: Timestamp,
    ) -> Result<Chosen<'m>, Rejection> {
        let mut candidates = Vec::new();
        for member in members {
            if self.label.as_ref().is_some_and(|label| label != member.key) {
                continue;
            }
            let parameters = Parameters::new(member)?;
            let has = |wanted: &Option<String>, given: Option<&str>| {
                wanted.as_deref().is_none_or(|wanted| given == Some(wanted))
            };
            if has(&self.tag, parameters.tag) && has(&self.key_id, parameters.key_id) {
                candidates.push((member, parameters));
            }
        }
        let mut candidates = candidates.into_iter();
        match (candidates.next(), candidates.next()) {
            (Some((member, parameters)), None) => self.judge_one(member, parameters, now),
            (None, _) => Err(Rejection::new(RejectionKind::MissingSignature)
                .with_detail("none has the configured label, tag and key id")),
            (Some(_), Some(_)) => Err(Rejection::new(RejectionKind::TooManySignatures)
                .with_detail("several have the configured label, tag and key id")),
        }
    }

    fn judge_one<'m>(
        &self,
        member: &'m Member<'m>,
        parameters: Parameters<'m>,
        now: Timestamp,
    ) -> Result<Chosen<'m>, Rejection> {
        let Value::List(items) = &member.value else {
            return Err(malformed(SIGNATURE_INPUT));
        };
        if parameters
            .algorithm
            .is_some_and(|given| given != self.algorithm)
        {
            return Err(Rejection::new(RejectionKind::UnexpectedValue).with_detail("alg"));
        }
        let created = parameters.created.ok_or_else(|| {
            Rejection::new(RejectionKind::MissingTimestamp).with_detail("created")
        })?;
        let created_at = self.created.check(created.to_string().as_bytes(), now)?;
        if let Some(expires) = parameters.expires {
            if expires < created {
                return Err(
                    Rejection::new(RejectionKind::MalformedTimestamp).with_detail("expires")
                );
            }
            if expires < now.unix_seconds() {
                return Err(Rejection::new(RejectionKind::TimestampTooOld).with_detail("expires"));
            }
        }
        let mut components: Vec<Component<'_>> = Vec::with_capacity(items.len());
        for item in items {
            let component = Component::new(item)?;
            let twice = |seen: &Component<'_>| seen.identifier == component.identifier;
            if components.iter().any(twice) {
                return Err(malformed("a component is covered twice"));
            }
            components.push(component);
        }
        for needed in &self.required {
            if !components.iter().any(|component| component.is(needed)) {
                return Err(
                    Rejection::new(RejectionKind::MissingSignedValue).with_detail(needed.clone())
                );
            }
        }
        Ok(Chosen {
            label: member.key,
            components,
            parameters,
            created: created_at,
            serialized: serialized(member, items),
        })
    }
}

/// RFC 9421 section 2.3: an inner list in the one form of RFC 8941.
fn serialized(member: &Member<'_>, items: &[super::fields::Item<'_>]) -> String {
    let mut text = String::new();
    let mut list = ListSerializer::with_buffer(&mut text);
    let mut inner = list.inner_list();
    for item in items {
        let parameters = item.parameters.iter().map(|(key, value)| (*key, value));
        let _ = inner.bare_item(&item.value).parameters(parameters);
    }
    let parameters = member.parameters.iter().map(|(key, value)| (*key, value));
    let _ = inner.finish().parameters(parameters);
    text
}

/// The header `name`, read as a dictionary.
fn header(parts: &Parts, name: &'static str) -> Result<Vec<u8>, Rejection> {
    joined(&parts.headers, name)
        .ok_or_else(|| Rejection::new(RejectionKind::MissingSignature).with_detail(name))
}

fn members<'h>(text: &'h [u8], name: &'static str) -> Result<Vec<Member<'h>>, Rejection> {
    dictionary(text)
        .map_err(|_| Rejection::new(RejectionKind::MalformedSignature).with_detail(name))
}

impl Protocol for HttpSignatureProtocol {
    fn validate(&self, scheme: &Scheme) -> Result<(), &'static str> {
        let needs_url =
            |name: &String| matches!(name.as_str(), "@target-uri" | "@authority" | "@scheme");
        if self.required.iter().any(needs_url) && scheme.public_url().is_none() {
            return Err("it requires the URL to be signed; say which with `with_public_url`");
        }
        let upper_case = |name: &String| name.bytes().any(|byte| byte.is_ascii_uppercase());
        if self
            .required
            .iter()
            .any(|name| name.is_empty() || upper_case(name))
        {
            return Err("a required component is named in lower case");
        }
        if self.required.is_empty() && !self.protects_body {
            return Err("it requires nothing to be signed");
        }
        match self.created.past_tolerance().is_zero() {
            true => Err("its tolerance is zero, which would refuse every request"),
            false => Ok(()),
        }
    }

    fn precheck(&self, parts: &Parts, now: Timestamp) -> Result<(), Rejection> {
        header(parts, SIGNATURE)?;
        let input = header(parts, SIGNATURE_INPUT)?;
        let input = members(&input, SIGNATURE_INPUT)?;
        self.choose(&input, now).map(drop)
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let parts = received.parts();
        let input = header(parts, SIGNATURE_INPUT)?;
        let input = members(&input, SIGNATURE_INPUT)?;
        let chosen = self.choose(&input, received.now())?;

        let signatures = header(parts, SIGNATURE)?;
        let signatures = members(&signatures, SIGNATURE)?;
        let signature = signatures.iter().find(|member| member.key == chosen.label);
        let signature = match signature {
            None => {
                return Err(Rejection::new(RejectionKind::MissingSignature).with_detail(SIGNATURE));
            }
            Some(Member {
                value: Value::Item(BareItemFromInput::ByteSequence(signature)),
                ..
            }) => signature.clone(),
            Some(_) => {
                return Err(
                    Rejection::new(RejectionKind::MalformedSignature).with_detail(SIGNATURE)
                );
            }
        };

        let mut content = Vec::with_capacity(512);
        for component in &chosen.components {
            content.extend_from_slice(component.identifier.as_bytes());
            content.extend_from_slice(b": ");
            content.extend_from_slice(&component.value(received)?);
            content.push(b'\n');
        }
        content.extend_from_slice(b"\"@signature-params\": ");
        content.extend_from_slice(chosen.serialized.as_bytes());

        // Also one that is covered as bytes, where none is demanded.
        let mut covered = chosen.components.iter();
        if covered.any(|component| component.name == CONTENT_DIGEST) {
            let field = joined(&parts.headers, CONTENT_DIGEST).unwrap_or_default();
            digest::check(&field, received.body())?;
        }
        let mut covered = chosen.components.iter();
        let protected = covered.any(|component| component.is(CONTENT_DIGEST));
        if self.protects_body && !protected && !received.body().is_empty() {
            return Err(
                Rejection::new(RejectionKind::MissingSignedValue).with_detail(CONTENT_DIGEST)
            );
        }

        let statement = Statement::new(content, signature).with_timestamp(chosen.created);
        Ok(match chosen.parameters.key_id {
            Some(id) => statement.with_key(KeyName::Id(id.to_owned())),
            None => statement,
        })
    }

    fn coverage(&self) -> Coverage {
        match self.protects_body {
            true => Coverage::Body,
            false => Coverage::Values,
        }
    }

    fn freshness_window(&self) -> Duration {
        self.created.window()
    }
}
