//! The lists that proxies write, read from the left as a whole: they have to be
//! well-formed for that, other than in the crate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the crate bounds is not compared.
const MAX_VALUE: usize = 64;

/// A hop: its address, if it has one that can be read, and whether it used
/// HTTPS.
pub struct Hop {
    pub address: Option<IpAddr>,
    pub https: bool,
}

/// The hops of `X-Forwarded-For`.
pub fn plain(line: &str) -> Vec<Hop> {
    line.split(',')
        .map(|text| {
            let text = text.trim_matches([' ', '\t']);
            let address = text.parse().ok().map(|ip: IpAddr| ip.to_canonical());
            Hop {
                address: address.or_else(|| node(text)),
                https: false,
            }
        })
        .collect()
}

/// The hops of `Forwarded`; `None` if the line breaks its grammar
/// or a value is long.
pub fn forwarded(line: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    for element in split(line, ',')? {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in split(&element, ';')? {
            let pair = pair.trim_matches([' ', '\t']);
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=')?;
            let is_quoted = value.starts_with('"');
            let value = match value.strip_prefix('"') {
                Some(quoted) => unquote(quoted)?,
                None => value.to_owned(),
            };
            if name.is_empty() || !name.chars().all(is_token) {
                return None;
            }
            let is_token = !value.is_empty() && value.chars().all(is_token);
            if value.len() > MAX_VALUE || !(is_quoted || is_token) {
                return None;
            }
            pairs.push((name.to_ascii_lowercase(), value));
        }
        let mut known = ["for", "proto", "by", "host"].iter();
        if known.any(|name| pairs.iter().filter(|pair| pair.0 == *name).count() > 1) {
            hops.push(Hop {
                address: None,
                https: false,
            });
            continue;
        }
        let get = |name| {
            pairs
                .iter()
                .find(|pair| pair.0 == name)
                .map(|pair| &*pair.1)
        };
        hops.push(Hop {
            address: get("for").and_then(node),
            https: get("proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
        });
    }
    Some(hops)
}

/// RFC 7239 section 6.
fn node(text: &str) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let address: Ipv4Addr = text[..end].parse().ok()?;
            (IpAddr::V4(address), &text[end..])
        }
    };
    let port_is_well_formed = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(port) => match port.strip_prefix('_') {
            Some(name) => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
                !name.is_empty() && name.chars().all(allowed)
            }
            None => !port.starts_with('+') && port.parse::<u16>().is_ok(),
        },
    };
    port_is_well_formed.then(|| address.to_canonical())
}

/// Splits at what is not within a quoted string; `None` if one stays open, or
/// a quote is where none may be.
fn split(text: &str, at: char) -> Option<Vec<String>> {
    let mut pieces = vec![String::new()];
    let mut chars = text.chars();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let piece = pieces.last_mut()?;
        if c == at {
            pieces.push(String::new());
        } else {
            piece.push(c);
        }
        if c == '"' {
            if last != '=' {
                return None;
            }
            loop {
                let c = chars.next()?;
                let piece = pieces.last_mut()?;
                piece.push(c);
                match c {
                    '\\' => piece.push(chars.next()?),
                    '"' => break,
                    _ => {}
                }
            }
        }
        last = c;
    }
    Some(pieces)
}

/// What is within a quoted string, up to the quote that must end it.
fn unquote(quoted: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then_some(value),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}
