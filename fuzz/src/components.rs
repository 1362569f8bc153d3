//! The values of covered components, as RFC 9421 section 2 says.

use http::{HeaderMap, HeaderName};

use crate::structured::{Bare, Item};

/// A request as its receiver knows it.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub method: &'a str,
    /// Path and query, as they were sent.
    pub target: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// In seconds.
    pub now: i64,
}

/// The URL that a sender addresses, as far as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub enum Url {
    Unknown,
    Registered(String),
    /// What stands before path and query.
    Base(String),
}

impl Url {
    pub fn text(&self, target: &str) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Registered(url) => Some(url.clone()),
            Self::Base(base) => {
                let base = base.strip_suffix('/').unwrap_or(base);
                Some(format!("{base}{target}"))
            }
        }
    }

    /// Path and query.
    fn target(&self, target: &str) -> String {
        let Some(url) = self.text(target) else {
            return target.to_owned();
        };
        let (_, rest) = url.split_once("://").expect("a URL");
        match rest.find(['/', '?']) {
            Some(at) if rest[at..].starts_with('/') => rest[at..].to_owned(),
            Some(at) => format!("/{}", &rest[at..]),
            None => "/".to_owned(),
        }
    }
}

impl Message<'_> {
    /// All lines of a header as one.
    pub fn field(&self, name: &str) -> Option<Vec<u8>> {
        let lines = self.lines(name);
        (!lines.is_empty()).then(|| lines.join(&b", "[..]))
    }

    /// Without white space around them.
    fn lines(&self, name: &str) -> Vec<&[u8]> {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return Vec::new();
        };
        let lines = self.headers.get_all(name).into_iter();
        lines.map(|line| trim(line.as_bytes())).collect()
    }

    /// The value of a component, if it is one that may be covered.
    pub fn value(&self, component: &Item, url: &Url) -> Option<Vec<u8>> {
        let Bare::Text(name) = &component.value else {
            return None;
        };
        let target = url.target(self.target);
        match (name.as_str(), &component.parameters[..]) {
            ("@query-param", [(key, Bare::Text(wanted))]) if key == "name" => {
                match &query_params(&target, wanted)[..] {
                    [value] => Some(value.clone().into_bytes()),
                    _ => None,
                }
            }
            (name, []) if name.starts_with('@') => self.derived(name, url),
            (name, _) if name != name.to_ascii_lowercase() => None,
            (name, []) => {
                let value = self.field(name)?;
                // Section 2.1: others need `bs`.
                let is_text = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
                value.iter().all(is_text).then_some(value)
            }
            (name, [(key, Bare::Flag(true))]) if key == "bs" && !name.starts_with('@') => {
                let lines = self.lines(name);
                let encoded: Vec<String> = lines
                    .iter()
                    .map(|line| Bare::Bytes(line.to_vec()).write())
                    .collect();
                (!lines.is_empty()).then(|| encoded.join(", ").into_bytes())
            }
            _ => None,
        }
    }

    fn derived(&self, name: &str, url: &Url) -> Option<Vec<u8>> {
        let target = url.target(self.target);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (target.as_str(), ""),
        };
        let text = match name {
            "@method" => self.method.to_owned(),
            "@target-uri" => url.text(self.target)?,
            "@scheme" => url.text(self.target)?.split_once(':')?.0.to_owned(),
            "@authority" => authority(&url.text(self.target)?),
            "@request-target" => target,
            "@path" => path.to_owned(),
            "@query" => format!("?{query}"),
            _ => return None,
        };
        Some(text.into_bytes())
    }

    /// What somebody might take for the value of a component that may not be
    /// covered; `first` says which of several.
    pub fn guess(&self, component: &Item, url: &Url, first: bool) -> Option<Vec<u8>> {
        let Bare::Text(name) = &component.value else {
            return None;
        };
        let host = self.field("host").unwrap_or_default();
        let host = String::from_utf8_lossy(&host).into_owned();
        let presumed = match url {
            Url::Unknown => Url::Base(format!("https://{host}")),
            url => url.clone(),
        };
        let plain = Item {
            value: Bare::Text(name.to_ascii_lowercase()),
            parameters: Vec::new(),
        };
        let named = component.parameters.iter().find(|(key, _)| key == "name");
        match (name.as_str(), named) {
            ("@query-param", Some((_, Bare::Text(wanted)))) => {
                let target = presumed.target(self.target);
                let values = query_params(&target, wanted);
                let value = if first { values.first() } else { values.last() };
                value.map(|value| value.clone().into_bytes())
            }
            (name, _) if name.starts_with('@') => self.value(&plain, &presumed),
            (name, _) => match self.lines(&name.to_ascii_lowercase())[..] {
                [line, ..] if first => Some(line.to_vec()),
                [.., line] => Some(line.to_vec()),
                [] => None,
            },
        }
    }
}

/// Section 2.2.8: decoded, and encoded again. Bytes that are not UTF-8 stay as
/// they are, where the RFC would have them all be the same.
fn query_params(target: &str, wanted: &str) -> Vec<String> {
    let (_, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let wanted = pairs.filter(|(name, _)| encode(&decode(name)) == wanted);
    wanted.map(|(_, value)| encode(&decode(value))).collect()
}

fn decode(text: &str) -> Vec<u8> {
    let digit = |byte: u8| Some(char::from(byte).to_digit(16)? as u8);
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        let escaped = match behind {
            [high, low, ..] if *byte == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match (byte, escaped) {
            (_, Some((high, low))) => {
                bytes.push(high << 4 | low);
                rest = &behind[2..];
            }
            (b'+', None) => bytes.push(b' '),
            (byte, None) => bytes.push(*byte),
        }
    }
    bytes
}

fn encode(bytes: &[u8]) -> String {
    let encoded = bytes.iter().map(|byte| match byte {
        b'*' | b'-' | b'.' | b'_' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// Section 2.2.3.
fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let authority = rest.split(['/', '?']).next().expect("a piece");
    let default = if scheme == "https" { ":443" } else { ":80" };
    let host = authority.strip_suffix(default).unwrap_or(authority);
    host.to_ascii_lowercase()
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
