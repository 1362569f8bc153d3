//! HTTP Message Signatures, made and judged as RFC 9421 and RFC 9530 say, with
//! the rules that the crate's documentation adds.

use sha2::{Digest, Sha256, Sha512};

use crate::components::{Message, Url};
use crate::structured::{
    Bare, Item, Member, Parameters, Value, dictionary, is_plain, unique, write_list,
};

/// What deliveries come with.
pub const METHODS: [&str; 2] = ["GET", "POST"];

const DIGEST: &str = "content-digest";

/// What a receiver demands of signatures.
#[derive(Debug)]
pub struct Rules {
    /// As RFC 9421 registers it.
    pub algorithm: &'static str,
    pub label: Option<String>,
    pub tag: Option<String>,
    pub key_id: Option<String>,
    pub required: Vec<String>,
    pub protects_body: bool,
    /// In seconds.
    pub tolerance: i64,
    pub url: Url,
}

/// What a request that is all right but for its signature is signed by.
pub struct Statement {
    pub base: Vec<u8>,
    pub signature: Vec<u8>,
    pub covered: Vec<String>,
    pub created: i64,
    pub key_id: Option<String>,
}

impl Rules {
    /// Whether a verifier may be built with them.
    pub fn are_valid(&self) -> bool {
        let needs_url = ["@target-uri", "@authority", "@scheme"];
        let usable = |name: &String| {
            let known = self.url != Url::Unknown || !needs_url.contains(&name.as_str());
            known && !name.is_empty() && *name == name.to_ascii_lowercase()
        };
        self.required.iter().all(usable)
            && (self.protects_body || !self.required.is_empty())
            && self.tolerance > 0
    }

    /// The request's statement, unless it is refused whoever signed it.
    pub fn judge(&self, message: &Message<'_>) -> Option<Statement> {
        METHODS.contains(&message.method).then_some(())?;
        let inputs = read(message, "signature-input")?;
        let input = self.chosen(&inputs)?;
        let signatures = read(message, "signature")?;
        let signature = signatures.iter().find(|member| member.key == input.key)?;
        let Value::Item(Bare::Bytes(signature)) = &signature.value else {
            return None;
        };
        let Value::List(items) = &input.value else {
            return None;
        };

        if let Some(algorithm) = text(&input.parameters, "alg") {
            (algorithm == self.algorithm).then_some(())?;
        }
        let created = number(&input.parameters, "created")?;
        let fresh = message.now - self.tolerance..=message.now + self.tolerance;
        (created >= 0 && fresh.contains(&created)).then_some(())?;
        if let Some(expires) = number(&input.parameters, "expires") {
            (expires >= created && expires >= message.now).then_some(())?;
        }

        unique(items.iter().map(Item::write)).then_some(())?;
        let has = |name: &str| {
            let wanted = Bare::Text(name.to_owned());
            let mut plain = items.iter().filter(|item| item.parameters.is_empty());
            plain.any(|item| item.value == wanted)
        };
        self.required.iter().all(|name| has(name)).then_some(())?;
        let mut base = Vec::new();
        let mut covered = Vec::new();
        for item in items {
            let value = message.value(item, &self.url)?;
            line(&mut base, &item.write(), &value);
            let Bare::Text(name) = &item.value else {
                return None;
            };
            covered.push(name.clone());
        }
        let list = write_list(items, &input.parameters);
        base.extend_from_slice(format!("\"@signature-params\": {list}").as_bytes());

        if covered.iter().any(|name| name == DIGEST) {
            holds(message).then_some(())?;
        }
        let protected = has(DIGEST) || message.body.is_empty() || !self.protects_body;
        protected.then(|| Statement {
            base,
            signature: signature.clone(),
            covered,
            created,
            key_id: text(&input.parameters, "keyid").map(str::to_owned),
        })
    }

    /// The one signature that counts.
    fn chosen<'m>(&self, inputs: &'m [Member]) -> Option<&'m Member> {
        let labelled = |input: &&Member| self.label.as_ref().is_none_or(|l| *l == input.key);
        let inputs: Vec<_> = inputs.iter().filter(labelled).collect();
        inputs
            .iter()
            .all(|input| input.parameters.iter().all(is_known))
            .then_some(())?;
        let mut meant = inputs.into_iter().filter(|input| self.means(input));
        let input = meant.next()?;
        meant.next().is_none().then_some(input)
    }

    fn means(&self, input: &Member) -> bool {
        let same = |wanted: &Option<String>, name| {
            let stated = text(&input.parameters, name);
            wanted.is_none() || wanted.as_deref() == stated
        };
        same(&self.tag, "tag") && same(&self.key_id, "keyid")
    }

    /// What to sign so that a receiver may believe it that does not look
    /// closely: at a repetition, a component that is not there, or parameters.
    pub fn presumed(&self, message: &Message<'_>, laxness: Laxness) -> Vec<u8> {
        let Laxness {
            first,
            skips,
            bare,
            any,
        } = laxness;
        let field = message.field("signature-input").unwrap_or_default();
        let mut inputs = dictionary(&field).unwrap_or_default();
        let fits = |input: &Member| {
            self.label.as_ref().is_none_or(|l| *l == input.key) && self.means(input)
        };
        if !any && inputs.iter().any(fits) {
            inputs.retain(fits);
        }
        let input = if first { inputs.first() } else { inputs.last() };
        let Some(input) = input else {
            return Vec::new();
        };
        let items = match &input.value {
            Value::List(items) => &items[..],
            Value::Item(_) => &[],
        };
        let mut written = Vec::new();
        let mut base = Vec::new();
        for item in items {
            let shown = Item {
                value: item.value.clone(),
                parameters: once(&item.parameters, first),
            };
            let identifier = match bare {
                true => item.value.write(),
                false => shown.write(),
            };
            let value = message.value(item, &self.url);
            let value = value.or_else(|| message.guess(item, &self.url, first));
            match value {
                None if skips => {}
                value => line(&mut base, &identifier, &value.unwrap_or_default()),
            }
            written.push(shown);
        }
        let list = write_list(&written, &once(&input.parameters, first));
        base.extend_from_slice(format!("\"@signature-params\": {list}").as_bytes());
        base
    }
}

/// In which ways somebody does not look closely.
#[derive(Clone, Copy, Debug, Default)]
pub struct Laxness {
    /// What comes first counts, not what comes last.
    first: bool,
    /// A component that is not there has no line, not an empty one.
    skips: bool,
    /// Components are named without their parameters.
    bare: bool,
    /// Any label, tag and key id will do.
    any: bool,
}

impl Laxness {
    /// None comes first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).map(|bits| {
            let [first, skips, bare, any] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            Self {
                first,
                skips,
                bare,
                any,
            }
        })
    }
}

/// Of each key the first or the last value.
fn once(parameters: &Parameters, first: bool) -> Parameters {
    let mut once: Parameters = Vec::new();
    for (key, value) in parameters {
        match once.iter_mut().find(|(other, _)| other == key) {
            Some(_) if first => {}
            Some((_, last)) => *last = value.clone(),
            None => once.push((key.clone(), value.clone())),
        }
    }
    once
}

fn line(base: &mut Vec<u8>, identifier: &str, value: &[u8]) {
    base.extend_from_slice(identifier.as_bytes());
    base.extend_from_slice(b": ");
    base.extend_from_slice(value);
    base.push(b'\n');
}

fn read(message: &Message<'_>, name: &str) -> Option<Vec<Member>> {
    let members = dictionary(&message.field(name)?)?;
    is_plain(&members).then_some(members)
}

fn is_known((key, value): &(String, Bare)) -> bool {
    match key.as_str() {
        "created" | "expires" => matches!(value, Bare::Integer(_)),
        "alg" | "keyid" | "tag" | "nonce" => matches!(value, Bare::Text(_)),
        _ => false,
    }
}

fn number(parameters: &Parameters, name: &str) -> Option<i64> {
    match parameters.iter().find(|(key, _)| key == name)? {
        (_, Bare::Integer(number)) => Some(*number),
        _ => None,
    }
}

fn text<'p>(parameters: &'p Parameters, name: &str) -> Option<&'p str> {
    match parameters.iter().find(|(key, _)| key == name)? {
        (_, Bare::Text(text)) => Some(text),
        _ => None,
    }
}

/// Whether `Content-Digest` is of the body, by SHA-256, SHA-512 or both.
fn holds(message: &Message<'_>) -> bool {
    let Some(members) = read(message, DIGEST) else {
        return false;
    };
    let mut known = 0;
    for member in members {
        let Value::Item(Bare::Bytes(stated)) = member.value else {
            return false;
        };
        let digest = match member.key.as_str() {
            "sha-256" => Sha256::digest(message.body).to_vec(),
            "sha-512" => Sha512::digest(message.body).to_vec(),
            _ => continue,
        };
        if stated != digest {
            return false;
        }
        known += 1;
    }
    known > 0
}
