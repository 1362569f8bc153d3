//! The rows of `presets.txt`, read. A row that cannot be read is a mistake in
//! the table: reading panics.

pub struct Row {
    pub name: &'static str,
    pub methods: Vec<&'static str>,
    pub proof: Proof,
    pub key: KeyForm,
    pub place: Place,
    /// The array whose items are signed one by one.
    pub of: Option<&'static str>,
    pub fixed: Vec<(&'static str, &'static str)>,
    pub shape: Shape,
    pub encoding: Encoding,
    pub signed: Vec<Piece>,
    pub time: Option<Time>,
    pub id: Id,
    pub body: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proof {
    Hmac(Hash),
    /// A plain hash, of whose content the secret is a part.
    Hash(Hash),
    Token,
    Ed25519,
    P256,
    Rsa,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyForm {
    Text,
    Hex,
    Base64(&'static str),
    Pem,
}

#[derive(Debug)]
pub enum Place {
    /// Families of names: the first that is there says which one counts.
    Header(Vec<&'static str>),
    Either(Vec<&'static str>),
    Lines(&'static str),
    Numbered(&'static str),
    Query(&'static str),
    Json(&'static str),
    Form(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Plain,
    Prefix(&'static str),
    Fields(u8, &'static str),
    /// Sets of fields, separated by spaces.
    Sets(u8, &'static str),
    Items(&'static str),
    Auth(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    Hex,
    Base64,
    Base64Url,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    Literal(&'static str),
    Body,
    /// The SHA-256 of the body, as bytes.
    BodyDigest,
    Timestamp,
    Id,
    Secret,
    Value {
        pointer: &'static str,
        optional: bool,
    },
    Method,
    Url(UrlForm),
    /// The pairs of a form, sorted: each once, or no name twice. Of another body
    /// the digest, which a parameter of this name in the URL states.
    Form {
        once: bool,
        digest: Option<&'static str>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UrlForm {
    AsIs,
    EitherPort,
    Unescaped,
}

#[derive(Debug)]
pub struct Time {
    pub at: At,
    pub unit: Unit,
    /// In minutes.
    pub past: i128,
    pub future: i128,
}

#[derive(Debug)]
pub enum At {
    Header(Vec<&'static str>),
    Field(&'static str),
    Json(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    Seconds,
    Millis,
    Rfc3339,
    /// Without an offset it is in UTC.
    Rfc3339Utc,
}

#[derive(Debug)]
pub struct Id {
    pub at: IdAt,
    /// Whether the same delivery is one event.
    pub is_remembered: bool,
    pub optional: bool,
}

#[derive(Debug)]
pub enum IdAt {
    Nowhere,
    Header(Vec<&'static str>),
    Json(Vec<&'static str>),
    Form(&'static str),
}

/// The rows of a table.
pub fn table(text: &'static str) -> Vec<Row> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(Row::read).collect()
}

impl Row {
    pub fn read(line: &'static str) -> Self {
        let columns: Vec<&str> = line.splitn(10, " | ").collect();
        let [
            name,
            proof,
            key,
            place,
            shape,
            encoding,
            signed,
            time,
            id,
            body @ ..,
        ] = &columns[..]
        else {
            panic!("a row has nine or ten columns: {line}");
        };
        let (place, fixed) = place.split_once(" with ").unwrap_or((place, ""));
        let (place, of) = match place.split_once(" of ") {
            Some((place, of)) => (place, Some(of)),
            None => (place, None),
        };
        let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
        let mut methods = words(name);
        let name = std::mem::replace(&mut methods[0], "POST");
        Self {
            name,
            methods,
            proof: match &words(proof)[..] {
                ["hmac", name] => Proof::Hmac(hash(name)),
                ["hash", name] => Proof::Hash(hash(name)),
                ["token"] => Proof::Token,
                ["ed25519"] => Proof::Ed25519,
                ["p256"] => Proof::P256,
                ["rsa"] => Proof::Rsa,
                _ => panic!("{proof}"),
            },
            key: match *key {
                "text" => KeyForm::Text,
                "hex" => KeyForm::Hex,
                "base64" => KeyForm::Base64(""),
                "pem" => KeyForm::Pem,
                prefix if prefix.ends_with('_') => KeyForm::Base64(prefix),
                _ => panic!("{key}"),
            },
            place: match &words(place)[..] {
                ["header", names @ ..] => Place::Header(names.to_vec()),
                ["either", names @ ..] => Place::Either(names.to_vec()),
                ["lines", name] => Place::Lines(name),
                ["numbered", prefix] => Place::Numbered(prefix),
                ["query", name] => Place::Query(name),
                ["json", pointer] => Place::Json(pointer),
                ["form", name] => Place::Form(name),
                _ => panic!("{place}"),
            },
            of,
            fixed: fixed
                .split(' ')
                .filter_map(|pair| pair.split_once('='))
                .collect(),
            shape: match &words(shape)[..] {
                ["plain"] => Shape::Plain,
                ["prefix", text] => Shape::Prefix(text),
                ["fields", "space", name] => Shape::Fields(b' ', name),
                ["fields", separator, name] => Shape::Fields(separator.as_bytes()[0], name),
                ["sets", separator, name] => Shape::Sets(separator.as_bytes()[0], name),
                ["items", version] => Shape::Items(version),
                ["auth", scheme] => Shape::Auth(scheme),
                _ => panic!("{shape}"),
            },
            encoding: match *encoding {
                "hex" => Encoding::Hex,
                "base64" => Encoding::Base64,
                "base64url" => Encoding::Base64Url,
                "text" => Encoding::Text,
                _ => panic!("{encoding}"),
            },
            signed: match *signed {
                "-" => Vec::new(),
                text => pieces(text),
            },
            time: match &words(time)[..] {
                ["-"] => None,
                [at, names @ .., unit, tolerance] => Some(Time {
                    at: match (*at, names) {
                        ("header", names) => At::Header(names.to_vec()),
                        ("field", [name]) => At::Field(name),
                        ("json", [pointer]) => At::Json(pointer),
                        _ => panic!("{time}"),
                    },
                    unit: match *unit {
                        "s" => Unit::Seconds,
                        "ms" => Unit::Millis,
                        "rfc3339" => Unit::Rfc3339,
                        "rfc3339utc" => Unit::Rfc3339Utc,
                        _ => panic!("{unit}"),
                    },
                    past: minutes(tolerance.split('/').next()),
                    future: minutes(tolerance.split('/').next_back()),
                }),
                _ => panic!("{time}"),
            },
            id: match &words(id)[..] {
                [sign @ ("-" | "never")] => Id {
                    at: IdAt::Nowhere,
                    is_remembered: *sign == "-",
                    optional: true,
                },
                [at, names @ ..] => Id {
                    at: match (at.trim_end_matches('?'), names) {
                        ("header", names) => IdAt::Header(names.to_vec()),
                        ("json", names) => IdAt::Json(names.to_vec()),
                        ("form", [name]) => IdAt::Form(name),
                        _ => panic!("{id}"),
                    },
                    is_remembered: true,
                    optional: at.ends_with('?'),
                },
                [] => panic!("{id}"),
            },
            body: body.first().copied(),
        }
    }

    /// Whether the signature is in the body.
    pub fn is_in_body(&self) -> bool {
        matches!(self.place, Place::Json(_) | Place::Form(_))
    }
}

fn hash(name: &str) -> Hash {
    match name {
        "sha1" => Hash::Sha1,
        "sha256" => Hash::Sha256,
        "sha512" => Hash::Sha512,
        _ => panic!("{name}"),
    }
}

fn minutes(text: Option<&str>) -> i128 {
    text.and_then(|text| text.parse().ok())
        .expect("a number of minutes")
}

fn pieces(mut text: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some((literal, rest)) = text.split_once('{') {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        let (name, rest) = rest.split_once('}').expect("a brace that closes");
        pieces.push(match name {
            "body" => Piece::Body,
            "body sha256" => Piece::BodyDigest,
            "lf" => Piece::Literal("\n"),
            "timestamp" => Piece::Timestamp,
            "id" => Piece::Id,
            "secret" => Piece::Secret,
            pointer if pointer.starts_with('/') => Piece::Value {
                pointer: pointer.trim_end_matches('?'),
                optional: pointer.ends_with('?'),
            },
            "method" => Piece::Method,
            "url" => Piece::Url(UrlForm::AsIs),
            "url either port" => Piece::Url(UrlForm::EitherPort),
            "url unescaped" => Piece::Url(UrlForm::Unescaped),
            "form unique" => Piece::Form {
                once: false,
                digest: None,
            },
            name => Piece::Form {
                once: true,
                digest: Some(name.strip_prefix("form once ").expect("a known piece")),
            },
        });
        text = rest;
    }
    if !text.is_empty() {
        pieces.push(Piece::Literal(text));
    }
    pieces
}
