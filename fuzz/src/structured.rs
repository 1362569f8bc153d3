//! Dictionaries of structured fields, read and written as RFC 8941 section 4
//! says, but for repetitions, which are all kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Debug, PartialEq)]
pub enum Bare {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
    Flag(bool),
    /// A decimal or a token, of which RFC 9421 and RFC 9530 have none.
    Other(String),
}

pub type Parameters = Vec<(String, Bare)>;

#[derive(Clone, Debug)]
pub struct Item {
    pub value: Bare,
    pub parameters: Parameters,
}

#[derive(Clone, Debug)]
pub enum Value {
    Item(Bare),
    List(Vec<Item>),
}

#[derive(Clone, Debug)]
pub struct Member {
    pub key: String,
    pub value: Value,
    pub parameters: Parameters,
}

/// The members, as often as they are there.
pub fn dictionary(text: &[u8]) -> Option<Vec<Member>> {
    let mut reader = Reader(text);
    let mut members = Vec::new();
    reader.skip(b" ");
    while !reader.0.is_empty() {
        let key = reader.key()?;
        let value = match reader.take(b'=') {
            false => Value::Item(Bare::Flag(true)),
            true if reader.take(b'(') => Value::List(reader.list()?),
            true => Value::Item(reader.bare()?),
        };
        members.push(Member {
            key,
            value,
            parameters: reader.parameters()?,
        });
        reader.skip(b" \t");
        if !reader.0.is_empty() {
            reader.take(b',').then_some(())?;
            reader.skip(b" \t");
            (!reader.0.is_empty()).then_some(())?;
        }
    }
    Some(members)
}

/// Whether no key is repeated, and there is no more than the crate reads: 16
/// members, 64 items of a list, and 16 parameters.
pub fn is_plain(members: &[Member]) -> bool {
    let plain = |parameters: &Parameters| {
        parameters.len() <= 16 && unique(parameters.iter().map(|(key, _)| key))
    };
    members.len() <= 16
        && unique(members.iter().map(|member| &member.key))
        && members.iter().all(|member| {
            let items = match &member.value {
                Value::Item(_) => &[][..],
                Value::List(items) => items,
            };
            plain(&member.parameters)
                && items.len() <= 64
                && items.iter().all(|item| plain(&item.parameters))
        })
}

pub fn unique<T: PartialEq>(all: impl Iterator<Item = T>) -> bool {
    let all: Vec<T> = all.collect();
    (0..all.len()).all(|at| !all[..at].contains(&all[at]))
}

impl Item {
    pub fn write(&self) -> String {
        format!("{}{}", self.value.write(), write(&self.parameters))
    }
}

impl Bare {
    pub fn write(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{escaped}\"")
            }
            Self::Bytes(bytes) => format!(":{}:", STANDARD.encode(bytes)),
            Self::Flag(flag) => format!("?{}", u8::from(*flag)),
            Self::Other(text) => text.clone(),
        }
    }
}

/// A list with its parameters.
pub fn write_list(items: &[Item], parameters: &Parameters) -> String {
    let items: Vec<String> = items.iter().map(Item::write).collect();
    format!("({}){}", items.join(" "), write(parameters))
}

fn write(parameters: &Parameters) -> String {
    let parameters = parameters.iter().map(|(key, value)| match value {
        Bare::Flag(true) => format!(";{key}"),
        value => format!(";{key}={}", value.write()),
    });
    parameters.collect()
}

struct Reader<'t>(&'t [u8]);

impl<'t> Reader<'t> {
    fn skip(&mut self, bytes: &[u8]) {
        self.run(|byte| bytes.contains(&byte));
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        self.0 = &self.0[usize::from(found)..];
        found
    }

    /// As many as there are of which this is true.
    fn run(&mut self, is: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.0.iter().position(|byte| !is(*byte));
        let (run, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        run
    }

    fn key(&mut self) -> Option<String> {
        let starts = |byte: u8| byte.is_ascii_lowercase() || byte == b'*';
        starts(*self.0.first()?).then_some(())?;
        let key = self.run(|byte| starts(byte) || byte.is_ascii_digit() || b"_-.".contains(&byte));
        Some(ascii(key))
    }

    fn parameters(&mut self) -> Option<Parameters> {
        let mut parameters = Vec::new();
        while self.take(b';') {
            self.skip(b" ");
            let key = self.key()?;
            let value = match self.take(b'=') {
                true => self.bare()?,
                false => Bare::Flag(true),
            };
            parameters.push((key, value));
        }
        Some(parameters)
    }

    /// What is behind a parenthesis.
    fn list(&mut self) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Some(items);
            }
            items.push(Item {
                value: self.bare()?,
                parameters: self.parameters()?,
            });
            [b' ', b')'].contains(self.0.first()?).then_some(())?;
        }
    }

    fn bare(&mut self) -> Option<Bare> {
        match *self.0.first()? {
            b'"' => self.text(),
            b':' => {
                self.0 = &self.0[1..];
                let digits = self.run(|byte| byte != b':');
                self.take(b':').then_some(())?;
                base64(digits).map(Bare::Bytes)
            }
            b'?' => {
                let (flag, rest) = (*self.0.get(1)?, &self.0[2..]);
                self.0 = rest;
                [b'0', b'1'].contains(&flag).then_some(())?;
                Some(Bare::Flag(flag == b'1'))
            }
            b'-' | b'0'..=b'9' => self.number(),
            byte if byte.is_ascii_alphabetic() || byte == b'*' => {
                let others = b"!#$%&'*+-.^_`|~:/";
                let token = self.run(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte));
                Some(Bare::Other(ascii(token)))
            }
            _ => None,
        }
    }

    fn text(&mut self) -> Option<Bare> {
        let mut text = String::new();
        self.take(b'"');
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return Some(Bare::Text(text)),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    b"\"\\".contains(escaped).then_some(())?;
                    text.push(char::from(*escaped));
                }
                b' '..=b'~' => text.push(char::from(*byte)),
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<Bare> {
        let sign = if self.take(b'-') { "-" } else { "" };
        let whole = ascii(self.run(|byte| byte.is_ascii_digit()));
        (!whole.is_empty()).then_some(())?;
        if self.take(b'.') {
            let fraction = ascii(self.run(|byte| byte.is_ascii_digit()));
            let fits = whole.len() <= 12 && (1..=3).contains(&fraction.len());
            return fits.then(|| Bare::Other(format!("{sign}{whole}.{fraction}")));
        }
        (whole.len() <= 15).then_some(())?;
        format!("{sign}{whole}").parse().ok().map(Bare::Integer)
    }
}

/// Section 4.2.7: padding may be missing, and what is left of the last digit
/// need not be zero.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let end = text.iter().position(|byte| *byte == b'=');
    let (digits, padding) = text.split_at(end.unwrap_or(text.len()));
    let room = (4 - digits.len() % 4) % 4;
    let padded = padding.len() <= room && padding.iter().all(|byte| *byte == b'=');
    (padded && room < 3).then_some(())?;
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits {
        let value = DIGITS.iter().position(|other| other == digit)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

fn ascii(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
