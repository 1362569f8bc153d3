//! What providers sign of a URL and a form, each by its own rule.

use http::{HeaderMap, Method};
use tower_webhook::provider;
use tower_webhook::signature::{PublicUrl, Scheme};

use crate::content::{is_form, unescaped};
use crate::form;
use crate::keys::{digest, hmac};
use crate::oracle::NOW;
use crate::row::{Encoding, Hash};
use crate::url::either_port;

pub const SECRET: &str = "a-secret";
const NONCE: &str = "12345";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Provider {
    Twilio,
    Square,
    HubspotV2,
    HubspotV3,
    Plivo,
    Mandrill,
    Trello,
}

impl Provider {
    pub const ALL: [Self; 7] = [
        Self::Twilio,
        Self::Square,
        Self::HubspotV2,
        Self::HubspotV3,
        Self::Plivo,
        Self::Mandrill,
        Self::Trello,
    ];

    pub fn scheme(self, url: PublicUrl) -> Scheme {
        match self {
            Self::Twilio => provider::twilio(url),
            Self::Square => provider::square(url),
            Self::HubspotV2 => provider::hubspot_v2(url),
            Self::HubspotV3 => provider::hubspot_v3(url),
            Self::Plivo => provider::plivo(url),
            Self::Mandrill => provider::mandrill(url),
            Self::Trello => provider::trello(url),
        }
    }

    /// What is signed: alternatives, or nothing where nobody can say. A lenient
    /// reader always can.
    pub fn contents(self, message: &Message, strict: bool) -> Vec<Vec<u8>> {
        let Message { url, body, .. } = message;
        let method = message.method.as_str();
        let one = |parts: &[&[u8]]| vec![parts.concat()];
        match self {
            Self::Twilio => match message.form_or_digest(strict) {
                Some(form) => either_port(url)
                    .map(|url| (url + &form).into_bytes())
                    .into(),
                None => Vec::new(),
            },
            Self::Square => one(&[url.as_bytes(), body]),
            Self::HubspotV2 => one(&[SECRET.as_bytes(), method.as_bytes(), url.as_bytes(), body]),
            Self::HubspotV3 => {
                let (url, time) = (unescaped(url), NOW.to_string());
                one(&[method.as_bytes(), url.as_bytes(), body, time.as_bytes()])
            }
            Self::Plivo => message
                .plivo(strict)
                .into_iter()
                .map(String::into_bytes)
                .collect(),
            Self::Mandrill => {
                let pairs = message.pairs(strict);
                let pairs = pairs.filter(|pairs| !strict || !repeats_a_name(pairs));
                let joined = pairs.map(|pairs| format!("{url}{}", joined(pairs)));
                joined.into_iter().map(String::into_bytes).collect()
            }
            Self::Trello => one(&[body, url.as_bytes()]),
        }
    }

    pub fn headers(self, content: &[u8]) -> Vec<(&'static str, String)> {
        let base64 = |hash| Encoding::Base64.write(&hmac(hash, SECRET.as_bytes(), content));
        match self {
            Self::Twilio => vec![("x-twilio-signature", base64(Hash::Sha1))],
            Self::Square => vec![("x-square-hmacsha256-signature", base64(Hash::Sha256))],
            Self::HubspotV2 => vec![
                ("x-hubspot-signature-version", "v2".to_owned()),
                (
                    "x-hubspot-signature",
                    Encoding::Hex.write(&digest(Hash::Sha256, content)),
                ),
            ],
            Self::HubspotV3 => vec![
                ("x-hubspot-request-timestamp", NOW.to_string()),
                ("x-hubspot-signature-v3", base64(Hash::Sha256)),
            ],
            Self::Plivo => vec![
                ("x-plivo-signature-v3-nonce", NONCE.to_owned()),
                ("x-plivo-signature-v3", base64(Hash::Sha256)),
            ],
            Self::Mandrill => vec![("x-mandrill-signature", base64(Hash::Sha1))],
            Self::Trello => vec![("x-trello-webhook", base64(Hash::Sha1))],
        }
    }

    pub fn takes(self, method: &Method) -> bool {
        let get = !matches!(self, Self::Square | Self::Mandrill | Self::Trello);
        method == Method::POST || get && method == Method::GET
    }

    /// Whether a delivery is known by what is signed and nothing else.
    pub fn is_known_by_content(self) -> bool {
        matches!(self, Self::Twilio | Self::Plivo | Self::Mandrill)
    }
}

/// What a provider signs a part of.
pub struct Message {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Message {
    /// The body's pairs; `None` if it is no form, or none that can be read.
    fn pairs(&self, strict: bool) -> Option<Vec<(String, String)>> {
        let is_form = is_form(&self.headers);
        match strict {
            true => is_form
                .filter(|is_form| *is_form)
                .and_then(|_| form::pairs(&self.body)),
            false => Some(form_urlencoded::parse(&self.body).into_owned().collect()),
        }
    }

    fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    fn form_or_digest(&self, strict: bool) -> Option<String> {
        let is_form = is_form(&self.headers);
        is_form.filter(|_| strict).or((!strict).then_some(true))?;
        let stated = form::text(self.query().as_bytes(), "bodySHA256");
        let stated = if strict {
            stated.ok()?
        } else {
            stated.ok().flatten()
        };
        if let Some(stated) = stated {
            let digest = Encoding::Hex.write(&digest(Hash::Sha256, &self.body));
            let same = stated.eq_ignore_ascii_case(&digest) || !strict;
            return same.then(String::new);
        }
        if self.body.is_empty() {
            return Some(String::new());
        }
        let mut pairs = self.pairs(strict)?;
        pairs.sort();
        pairs.dedup();
        Some(joined(pairs))
    }

    /// As Plivo's library for Python builds it.
    fn plivo(&self, strict: bool) -> Option<String> {
        let base = self.url.split('?').next().expect("a piece");
        let mut query = match strict {
            true => form::pairs(self.query().as_bytes())?,
            false => form_urlencoded::parse(self.query().as_bytes())
                .into_owned()
                .collect(),
        };
        query.sort();
        let query: Vec<_> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let query = query.join("&");
        let is_form = is_form(&self.headers).or((!strict).then_some(true))?;
        (is_form || self.body.is_empty() || !strict).then_some(())?;
        let mut pairs = match strict {
            true => form::pairs(&self.body)?,
            false => self.pairs(false)?,
        };
        pairs.sort();
        Some(match (query.is_empty(), pairs.is_empty()) {
            (true, true) => format!("{base}.{NONCE}"),
            (false, true) => format!("{base}?{query}.{NONCE}"),
            (true, false) => format!("{base}?{}.{NONCE}", joined(pairs)),
            (false, false) => format!("{base}?{query}.{}.{NONCE}", joined(pairs)),
        })
    }
}

/// Names and values, sorted and put together.
fn joined(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort();
    pairs
        .into_iter()
        .map(|(name, value)| name + &value)
        .collect()
}

fn repeats_a_name(pairs: &[(String, String)]) -> bool {
    let mut names: Vec<_> = pairs.iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names.len() < pairs.len()
}
