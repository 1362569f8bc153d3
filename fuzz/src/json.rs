//! JSON as a tree of pieces of its text: another parser than the crate's. What
//! nobody asks for is checked for its grammar and not decoded.

use JsonError::{NotJson, Unusable};

/// A value: where it stands in the text, and what it is made of.
pub struct Json<'t> {
    pub raw: &'t [u8],
    kind: Kind<'t>,
}

enum Kind<'t> {
    Null,
    Bool,
    Number,
    Text,
    Array(Vec<Json<'t>>),
    /// Keys as they are written, with their quotes.
    Object(Vec<(&'t [u8], Json<'t>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON, or not UTF-8 where it is read.
    NotJson,
    /// Neither a string nor an integer, no Unicode, or behind a repeated key.
    Unusable,
}

/// The tree of a text (RFC 8259).
pub fn parse(text: &[u8]) -> Option<Json<'_>> {
    let mut at = 0;
    let json = value(text, &mut at)?;
    space(text, &mut at);
    (at == text.len()).then_some(json)
}

/// The string or integer at `pointer` (RFC 6901).
pub fn text(body: &[u8], pointer: &str) -> Result<Option<String>, JsonError> {
    let json = parse(body).ok_or(NotJson)?;
    json.at(pointer)?.map_or(Ok(None), Json::scalar)
}

/// The texts of the items of the array at `pointer`.
pub fn items<'t>(body: &'t [u8], pointer: &str) -> Result<Option<Vec<&'t [u8]>>, JsonError> {
    let json = parse(body).ok_or(NotJson)?;
    let Some(array) = json.at(pointer)? else {
        return Ok(None);
    };
    let Kind::Array(items) = &array.kind else {
        return Err(Unusable);
    };
    Ok(Some(items.iter().map(|item| item.raw).collect()))
}

/// The values at a pointer in which a `*` stands for every item of an array;
/// `None` if one is missing, there is no item, or no array.
pub fn texts(body: &[u8], pointer: &str) -> Result<Option<Vec<String>>, JsonError> {
    let keys: Vec<&str> = pointer.split('/').collect();
    let Some(star) = keys.iter().position(|key| *key == "*") else {
        return Ok(text(body, pointer)?.map(|text| vec![text]));
    };
    let rest: String = keys[star + 1..]
        .iter()
        .map(|key| format!("/{key}"))
        .collect();
    let json = parse(body).ok_or(NotJson)?;
    let Some(Json {
        kind: Kind::Array(items),
        ..
    }) = json.at(&keys[..star].join("/"))?
    else {
        return Ok(None);
    };
    let mut all = Vec::new();
    for item in items {
        match texts(item.raw, &rest)? {
            Some(of_item) => all.extend(of_item),
            None => return Ok(None),
        }
    }
    Ok((!items.is_empty()).then_some(all))
}

impl<'t> Json<'t> {
    fn at(&self, pointer: &str) -> Result<Option<&Self>, JsonError> {
        let keys: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|key| key.replace("~1", "/").replace("~0", "~"))
            .collect();
        let found = self.find(&keys)?;
        if let Some(found) = found {
            str::from_utf8(found.raw).map_err(|_| NotJson)?;
        }
        Ok(found)
    }

    fn find(&self, keys: &[String]) -> Result<Option<&Self>, JsonError> {
        let [key, rest @ ..] = keys else {
            return Ok(Some(self));
        };
        match &self.kind {
            Kind::Array(items) => {
                let mut numbered = items.iter().enumerate();
                match numbered.find(|(index, _)| index.to_string() == *key) {
                    Some((_, item)) => item.find(rest),
                    None => Ok(None),
                }
            }
            Kind::Object(members) => {
                let mut found = Vec::new();
                for (name, member) in members {
                    if decode(name).ok_or(NotJson)? == *key {
                        found.push(member);
                    }
                }
                match found[..] {
                    [] => Ok(None),
                    [member] => member.find(rest),
                    // A reader may stop in the first of them, before it sees another.
                    _ => match found.iter().any(|member| member.cannot_be_read(rest)) {
                        true => Err(NotJson),
                        false => Err(Unusable),
                    },
                }
            }
            Kind::Text => decode(self.raw).map(|_| None).ok_or(NotJson),
            Kind::Number => match str::from_utf8(self.raw).map(str::parse::<f64>) {
                Ok(Ok(number)) if number.is_finite() => Ok(None),
                _ => Err(NotJson),
            },
            Kind::Null | Kind::Bool => Ok(None),
        }
    }

    fn cannot_be_read(&self, keys: &[String]) -> bool {
        str::from_utf8(self.raw).is_err() || matches!(self.find(keys), Err(NotJson))
    }

    /// Whether two keys of one object are the same, at any depth.
    pub fn repeats_a_key(&self) -> bool {
        match &self.kind {
            Kind::Array(items) => items.iter().any(Self::repeats_a_key),
            Kind::Object(members) => {
                let mut names: Vec<_> = members.iter().map(|(name, _)| decode(name)).collect();
                names.sort();
                names.dedup();
                names.len() < members.len()
                    || members.iter().any(|(_, member)| member.repeats_a_key())
            }
            _ => false,
        }
    }

    /// `None` for `null`.
    fn scalar(&self) -> Result<Option<String>, JsonError> {
        match self.kind {
            Kind::Null => Ok(None),
            Kind::Text => decode(self.raw).map(Some).ok_or(Unusable),
            Kind::Number => {
                let text = str::from_utf8(self.raw).map_err(|_| Unusable)?;
                let is_integer = text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok();
                match is_integer && text != "-0" {
                    true => Ok(Some(text.to_owned())),
                    false => Err(Unusable),
                }
            }
            Kind::Bool | Kind::Array(_) | Kind::Object(_) => Err(Unusable),
        }
    }
}

fn space(text: &[u8], at: &mut usize) {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(*at) {
        *at += 1;
    }
}

fn take(text: &[u8], at: &mut usize, wanted: &[u8]) -> Option<()> {
    text[*at..].starts_with(wanted).then(|| *at += wanted.len())
}

fn value<'t>(text: &'t [u8], at: &mut usize) -> Option<Json<'t>> {
    space(text, at);
    let start = *at;
    let kind = match text.get(start)? {
        b'n' => take(text, at, b"null").map(|()| Kind::Null)?,
        b't' => take(text, at, b"true").map(|()| Kind::Bool)?,
        b'f' => take(text, at, b"false").map(|()| Kind::Bool)?,
        b'"' => string(text, at).map(|_| Kind::Text)?,
        b'[' => {
            let mut items = Vec::new();
            list(text, at, b"]", &mut |at| {
                items.push(value(text, at)?);
                Some(())
            })?;
            Kind::Array(items)
        }
        b'{' => {
            let mut members = Vec::new();
            list(text, at, b"}", &mut |at| {
                space(text, at);
                let key = string(text, at)?;
                space(text, at);
                take(text, at, b":")?;
                members.push((key, value(text, at)?));
                Some(())
            })?;
            Kind::Object(members)
        }
        _ => number(text, at).map(|()| Kind::Number)?,
    };
    Some(Json {
        raw: &text[start..*at],
        kind,
    })
}

/// What stands between brackets, with commas in between.
fn list(
    text: &[u8],
    at: &mut usize,
    end: &[u8],
    item: &mut dyn FnMut(&mut usize) -> Option<()>,
) -> Option<()> {
    *at += 1;
    space(text, at);
    if take(text, at, end).is_some() {
        return Some(());
    }
    loop {
        item(at)?;
        space(text, at);
        if take(text, at, end).is_some() {
            return Some(());
        }
        take(text, at, b",")?;
    }
}

/// A string with its quotes.
fn string<'t>(text: &'t [u8], at: &mut usize) -> Option<&'t [u8]> {
    let start = *at;
    take(text, at, b"\"")?;
    loop {
        let byte = *text.get(*at)?;
        *at += 1;
        match byte {
            b'"' => return Some(&text[start..*at]),
            b'\\' => {
                let escape = *text.get(*at)?;
                *at += 1;
                if escape == b'u' {
                    let digits = text.get(*at..*at + 4)?;
                    *at += digits.iter().all(u8::is_ascii_hexdigit).then_some(4)?;
                } else if !br#""\/bfnrt"#.contains(&escape) {
                    return None;
                }
            }
            0..0x20 => return None,
            _ => {}
        }
    }
}

fn number(text: &[u8], at: &mut usize) -> Option<()> {
    let digits = |at: &mut usize| {
        let start = *at;
        while text.get(*at).is_some_and(u8::is_ascii_digit) {
            *at += 1;
        }
        text[start..*at].first().copied()
    };
    let _ = take(text, at, b"-");
    let start = *at;
    if digits(at)? == b'0' && *at - start > 1 {
        return None;
    }
    if take(text, at, b".").is_some() {
        digits(at)?;
    }
    if let Some(b'e' | b'E') = text.get(*at) {
        *at += 1;
        if let Some(b'+' | b'-') = text.get(*at) {
            *at += 1;
        }
        digits(at)?;
    }
    Some(())
}

/// The text of a string; `None` for lone surrogates and what is not UTF-8.
fn decode(quoted: &[u8]) -> Option<String> {
    let text = str::from_utf8(&quoted[1..quoted.len() - 1]).ok()?;
    let mut units: Vec<u16> = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let (digits, rest) = chars.as_str().split_at(4);
                    units.push(u16::from_str_radix(digits, 16).ok()?);
                    chars = rest.chars();
                    continue;
                }
                plain => plain,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).ok()
}
