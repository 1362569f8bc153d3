//! What a row of the table accepts: texts are compared with the one genuine
//! text, and nothing is shared with the crate's parsers.

use http::HeaderMap;
use http::request::Parts;

use crate::content::{STRICT, Signed, contents};
use crate::form;
use crate::json::{self, JsonError};
use crate::keys::Key;
use crate::row::{At, IdAt, Piece, Place, Row, Shape, Unit};
use crate::text::split_once;
use crate::time::{digits, rfc3339};

const MINUTE: i128 = 60_000;
const MAX_SIGNATURES: usize = 16;

/// How a genuine request names its event.
#[derive(Debug, PartialEq)]
pub enum Named {
    Not,
    /// There is an id that cannot be used.
    Unusable,
    /// Nothing can be read from the body: there is no id, or one that cannot be
    /// used, depending on how far a reader comes.
    Unreadable,
    By(String),
    /// A body with several events.
    Batch,
}

/// Whether the request is genuine and fresh, and then the name of its event.
pub fn judge(row: &Row, keys: &[Key], parts: &Parts, body: &[u8], now: i64) -> Option<Named> {
    let method = parts.method.as_str();
    row.methods.contains(&method).then_some(())?;
    let headers = &parts.headers;
    for (name, value) in &row.fixed {
        let line = one(headers, name)?;
        line.eq_ignore_ascii_case(value.as_bytes()).then_some(())?;
    }
    let family = match &row.place {
        Place::Header(names) => names
            .iter()
            .position(|name| headers.contains_key(*name))
            .unwrap_or(0),
        _ => 0,
    };
    let of_family = |names: &[&'static str]| *names.get(family).unwrap_or(&names[0]);

    let in_headers = values(row, parts, family)?;
    let mut signed = Signed::default();
    if let Some(time) = &row.time {
        signed.timestamp = match &time.at {
            At::Header(names) => one(headers, of_family(names))?.to_vec(),
            At::Field(name) => {
                let [value] = in_headers[..] else { return None };
                field(row.shape, value, name)?.to_vec()
            }
            At::Json(pointer) => json::text(body, pointer).ok()??.into_bytes(),
        };
        let text = &signed.timestamp;
        let now = i128::from(now);
        // A sender's clock that counts seconds is compared with ours in
        // seconds.
        let (sent, now) = match time.unit {
            Unit::Seconds => (digits(text, 1000)?, now.div_euclid(1000) * 1000),
            Unit::Millis => (digits(text, 1)?, now),
            Unit::Rfc3339 => (rfc3339(text)?, now),
            Unit::Rfc3339Utc => {
                let sent = rfc3339(text).or_else(|| rfc3339(&[text, &b"Z"[..]].concat()));
                (sent?, now)
            }
        };
        let fresh = now - sent <= time.past * MINUTE && sent - now <= time.future * MINUTE;
        fresh.then_some(())?;
    }
    if let (IdAt::Header(names), true) = (&row.id.at, row.signed.contains(&Piece::Id)) {
        let id = one(headers, of_family(names))?;
        // Or nobody could tell where it ends.
        let ambiguous = match row.signed.contains(&Piece::Literal(".")) {
            true => id.contains(&b'.'),
            false => id.windows(11).any(is_date),
        };
        (!ambiguous).then_some(())?;
        signed.event_id = id.to_vec();
    }

    let items = match row.of {
        None => vec![body],
        Some(array) => json::items(body, array).ok()??,
    };
    (!items.is_empty()).then_some(())?;
    for item in items {
        let in_body = match &row.place {
            Place::Json(pointer) => Some(json::text(item, pointer).ok()??),
            Place::Form(name) => Some(form::text(item, name).ok()??),
            _ => None,
        };
        let values = match &in_body {
            Some(value) => vec![value.as_bytes()],
            None => in_headers.clone(),
        };
        let listed: Vec<&[u8]> = values
            .iter()
            .flat_map(|value| signatures(row.shape, value))
            .collect();
        (listed.len() <= MAX_SIGNATURES).then_some(())?;
        let contents = contents(row, &signed, parts, (body, item), &STRICT)?;
        let genuine = |signature: &&[u8]| {
            let mut contents = contents.iter();
            contents.any(|content| keys.iter().any(|key| key.verifies(row, content, signature)))
        };
        listed.iter().any(genuine).then_some(())?;
    }
    Some(named(row, headers, family, body))
}

/// The values outside the body in which signatures are listed; `None` if one
/// that must be there once is there twice.
fn values<'r>(row: &Row, parts: &'r Parts, family: usize) -> Option<Vec<&'r [u8]>> {
    let headers = &parts.headers;
    Some(match &row.place {
        Place::Header(names) => vec![one(headers, names[family])?],
        Place::Either(names) => names
            .iter()
            .filter(|name| headers.contains_key(**name))
            .map(|name| one(headers, name))
            .collect::<Option<_>>()?,
        Place::Lines(name) => {
            let lines = headers.get_all(*name).iter();
            lines.map(|line| line.as_bytes()).collect()
        }
        Place::Numbered(prefix) => (1..=MAX_SIGNATURES)
            .map(|number| format!("{prefix}{number}"))
            .take_while(|name| headers.contains_key(name))
            .map(|name| one(headers, &name))
            .collect::<Option<_>>()?,
        Place::Query(name) => {
            let pairs = parts.uri.query()?.split('&');
            let values = pairs.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            vec![only(values)?.as_bytes()]
        }
        Place::Json(_) | Place::Form(_) => Vec::new(),
    })
}

fn signatures(shape: Shape, value: &[u8]) -> Vec<&[u8]> {
    match shape {
        Shape::Plain => vec![value],
        Shape::Prefix(prefix) => value.strip_prefix(prefix.as_bytes()).into_iter().collect(),
        Shape::Fields(separator, name) => fields(separator, value)
            .filter(|(key, _)| *key == name.as_bytes())
            .map(|(_, field)| field)
            .collect(),
        Shape::Sets(separator, name) => sets(separator, value)
            .filter(|(key, _)| *key == name.as_bytes())
            .map(|(_, field)| field)
            .collect(),
        Shape::Items(version) => value
            .split(|byte| *byte == b' ')
            .filter_map(|item| item.strip_prefix(version.as_bytes())?.strip_prefix(b","))
            .collect(),
        Shape::Auth(scheme) => split_once(value, b' ')
            .filter(|(name, _)| name.eq_ignore_ascii_case(scheme.as_bytes()))
            .map(|(_, credentials)| trim(credentials))
            .into_iter()
            .collect(),
    }
}

/// The field that comes once or, in sets, is the same in all of them.
fn field<'v>(shape: Shape, value: &'v [u8], name: &str) -> Option<&'v [u8]> {
    let separator = match shape {
        Shape::Fields(separator, _) => separator,
        Shape::Sets(separator, _) => {
            let named = sets(separator, value).filter(|(key, _)| *key == name.as_bytes());
            let mut named: Vec<_> = named.map(|(_, field)| field).collect();
            named.dedup();
            return only(named.into_iter());
        }
        _ => return None,
    };
    let named = fields(separator, value).filter(|(key, _)| *key == name.as_bytes());
    only(named).map(|(_, field)| field)
}

fn fields(separator: u8, value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    value
        .split(move |byte| *byte == separator)
        .filter_map(|field| split_once(trim(field), b'='))
}

fn sets(separator: u8, value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let sets = value.split(|byte| *byte == b' ');
    sets.flat_map(move |set| fields(separator, set))
}

/// The start of an RFC 3339 timestamp, up to its `T`.
fn is_date(text: &[u8]) -> bool {
    let shape: String = text
        .iter()
        .map(|byte| match byte {
            b'0'..=b'9' => '0',
            b'T' | b't' | b' ' => 'T',
            byte => char::from(*byte),
        })
        .collect();
    shape == "0000-00-00T"
}

/// What names the event, once the request is known to be genuine.
fn named(row: &Row, headers: &HeaderMap, family: usize, body: &[u8]) -> Named {
    let id = match &row.id.at {
        IdAt::Nowhere => return Named::Not,
        IdAt::Header(names) => {
            let name = *names.get(family).unwrap_or(&names[0]);
            if !headers.contains_key(name) {
                return Named::Not;
            }
            let line = one(headers, name).map(<[u8]>::to_vec);
            line.and_then(|line| String::from_utf8(line).ok())
        }
        IdAt::Form(name) => match form::text(body, name) {
            Ok(None) => return Named::Not,
            id => id.ok().flatten(),
        },
        IdAt::Json(pointers) => {
            let mut all = Vec::new();
            for pointer in pointers {
                match json::texts(body, pointer) {
                    Err(JsonError::Unusable) => return Named::Unusable,
                    Err(JsonError::NotJson) => return Named::Unreadable,
                    Ok(None) => return Named::Not,
                    Ok(Some(values)) => all.push(values),
                }
            }
            if all.iter().any(|values| values.len() > 1) {
                return Named::Batch;
            }
            let all = all.concat();
            let (_, but_last) = all.split_last().expect("a pointer");
            let ambiguous = but_last.iter().any(|value| value.contains(':'));
            (!ambiguous).then(|| all.join(":"))
        }
    };
    let usable = |id: &String| (1..=255).contains(&id.len()) && !id.chars().any(char::is_control);
    id.filter(usable).map_or(Named::Unusable, Named::By)
}

/// The one line of a header.
pub fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    only(headers.get_all(name).iter()).map(|line| line.as_bytes())
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let item = items.next();
    item.filter(|_| items.next().is_none())
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
