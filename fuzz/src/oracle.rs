//! The presets with what they must accept, from `presets.txt`.

use std::sync::LazyLock;

use http::request::Parts;
use serde_json::Value;
use tower_webhook::provider::{self, Preset as Registered};
use tower_webhook::signature::{EventId, PublicUrl, Scheme, Verified};
use tower_webhook::{Rejection, Secret, Secrets, Timestamp, Verifier};

use crate::content::{ORIGIN, Reader, Signed, contents};
use crate::json::{self, JsonError};
use crate::judge::{self, Named};
use crate::keys::{self, Content, Key};
use crate::row::{At, IdAt, Place, Row, Shape, Unit, table};
use crate::text::{Genuine, SIGNATURE, Text, VALUE};

/// What the clock shows, in milliseconds.
pub const NOW: i64 = 1_700_000_000_123;
const EVENT_ID: &str = "evt_1";

/// Presets without a row, with the reason.
const WITHOUT_ROW: &[(&str, &str)] = &[
    ("aws_sns", "a protocol in code: keys in certificates"),
    ("braintree", "a protocol in code: a form with pairs of keys"),
    ("contentful", "a protocol in code: a canonical request"),
    ("fusionauth", "a protocol in code: a JWT"),
    ("google_pubsub", "a protocol in code: a JWT"),
    ("livekit", "a protocol in code: a JWT"),
    ("messagebird", "a protocol in code: a JWT"),
    ("microsoft_entra", "a protocol in code: a JWT"),
    ("paypal", "a protocol in code: keys in certificates"),
    ("plaid", "a protocol in code: a JWT"),
    ("plivo", "a protocol in code: URL and form rewritten"),
];

/// How most parsers read: the last of repeated keys counts, and what is not
/// Unicode is replaced; nor is a digest compared. Requests are signed like that,
/// so that a crate that read so would accept what must be refused.
const LENIENT: Reader = Reader {
    strict: false,
    json: |text, pointer| {
        if let Ok(Some(value)) = json::text(text, pointer) {
            return Ok(Some(value));
        }
        let json: Value =
            serde_json::from_str(&String::from_utf8_lossy(text)).map_err(|_| JsonError::NotJson)?;
        Ok(match json.pointer(pointer) {
            None | Some(Value::Null) => Some(String::new()),
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        })
    },
    form: |body| Some(form_urlencoded::parse(body).into_owned().collect()),
};

/// A preset, or another scheme, with what verifies it.
pub struct Preset {
    pub row: Row,
    pub scheme: Scheme,
    pub verifier: Verifier,
    /// What the crate's signer signs with: genuinely, and as somebody else.
    pub secret: Secret,
    pub forger: Secret,
    trusted: Vec<Key>,
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let rows = table(include_str!("presets.txt"));
    for preset in provider::all() {
        let name = preset.name();
        let found = rows.iter().filter(|row| row.name == name).count();
        let excused = WITHOUT_ROW.iter().any(|(excused, _)| *excused == name);
        assert!(
            found + usize::from(excused) == 1,
            "{name} has {found} rows in fuzz/src/presets.txt, excused: {excused}"
        );
    }
    rows.into_iter()
        .map(|row| {
            let scheme = match provider::by_name(row.name) {
                Some(Registered::Signed(scheme)) if scheme.public_url().is_some() => {
                    scheme.with_public_url(PublicUrl::base(ORIGIN).expect("a URL"))
                }
                Some(Registered::Signed(scheme)) => scheme,
                Some(Registered::Unsigned(unsigned)) => unsigned.with_token_in_query("token"),
                _ => panic!("{} is no preset of the registry", row.name),
            };
            let preset = Preset::new(row, scheme);
            assert!(
                preset.accepts_its_own(),
                "{} accepts nothing",
                preset.name()
            );
            preset
        })
        .collect()
});

/// The preset at `index`, round and round.
pub fn preset(index: u8) -> &'static Preset {
    &PRESETS[usize::from(index) % PRESETS.len()]
}

impl Preset {
    pub fn new(row: Row, scheme: Scheme) -> Self {
        let (trusted, forger) = keys::keys(&row);
        let secrets = trusted.iter().map(|key| key.verifying(row.key));
        let secrets: Secrets = secrets.map(Secret::new).collect();
        let signs = |key: &Key| Secret::new(key.signing(row.key));
        Self {
            verifier: Verifier::new(scheme.clone(), secrets).expect("presets are valid"),
            secret: signs(trusted.last().expect("a key")),
            forger: signs(&forger),
            scheme,
            row,
            trusted,
        }
    }

    pub fn name(&self) -> &str {
        self.row.name
    }

    /// Whether a request as the row describes it is genuine, as far as the
    /// signature is not in the body: a row that accepts nothing finds nothing.
    fn accepts_its_own(&self) -> bool {
        let (parts, body) = self.own().expect("a request");
        self.row.is_in_body() || self.judge(&parts, &body, NOW).is_some()
    }

    /// A request as the row describes it.
    pub fn own(&self) -> Option<(Parts, Vec<u8>)> {
        let mut text = b"\x01: \x04\n\x02: \x02\n\x03: \x03\n".to_vec();
        for (name, value) in &self.row.fixed {
            text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
        }
        text.extend_from_slice(b"content-type: application/x-www-form-urlencoded\n\n");
        text.extend_from_slice(&self.honest_body(b"text", NOW));
        self.compose(&Text::split(&text))
    }

    /// Whether the request is genuine and fresh, and then the name of its
    /// event.
    pub fn judge(&self, parts: &Parts, body: &[u8], now: i64) -> Option<Named> {
        judge::judge(&self.row, &self.trusted, parts, body, now)
    }

    /// Panics unless `verified`, which the crate made of the request, is what
    /// is expected of it.
    pub fn compare(
        &self,
        verified: Result<Verified<'_>, Rejection>,
        parts: &Parts,
        body: &[u8],
        now: i64,
    ) {
        let named = self.judge(parts, body, now);
        let context = || format!("{}: {parts:?} {}", self.name(), body.escape_ascii());
        let verified = match verified {
            Ok(verified) => verified,
            Err(rejection) => {
                assert_eq!(named, None, "{rejection:?} {}", context());
                return;
            }
        };
        assert_eq!(verified.body(), body);
        let _ = verified.event_type();
        let id = verified.event_id();
        let id = id.as_ref().map(|id| id.as_ref().map(EventId::as_str));
        let as_expected = match &named {
            None => false,
            Some(Named::Not) => id == Ok(None),
            Some(Named::By(name)) => id == Ok(Some(name)),
            Some(Named::Batch) => {
                matches!(id, Ok(Some(id)) if id.starts_with("batch-") && id.len() == 70)
            }
            Some(Named::Unusable) => id.is_err(),
            Some(Named::Unreadable) => matches!(id, Ok(None) | Err(_)),
        };
        assert!(as_expected, "{named:?}, but {id:?} {}", context());
    }

    /// A request that is genuine where the text says so; `None` if it is none
    /// in HTTP. Signed is what the text says, whether it may be accepted or not.
    pub fn compose(&self, text: &Text) -> Option<(Parts, Vec<u8>)> {
        let timestamp = self.time(NOW);
        let mut genuine = Genuine {
            signature: String::new(),
            value: self.written(&timestamp, ""),
            timestamp,
            event_id: EVENT_ID.to_owned(),
            names: self.names(),
        };
        let parts = text.request(&genuine)?;
        let signed = self.signed(&parts);
        let mut body = genuine.fill(text.body);
        if self.row.is_in_body() {
            genuine.signature = char::from(SIGNATURE).to_string();
            body = genuine.fill(text.body);
            body = self.signed_inside(&signed, &parts, &body);
        }
        // Some signatures cost more than all the rest.
        if text.mentions(SIGNATURE) || text.mentions(VALUE) {
            let bodies = (&body[..], &body[..]);
            let contents = contents(&self.row, &signed, &parts, bodies, &LENIENT);
            genuine.signature = self.sign(contents, body.len());
        }
        genuine.value = self.written(&genuine.timestamp, &genuine.signature);
        Some((text.request(&genuine)?, body))
    }

    /// A signature as it is written in its place.
    fn written(&self, timestamp: &str, signature: &str) -> String {
        match self.row.shape {
            Shape::Plain => match self.row.place {
                Place::Query(name) => format!("{name}={signature}"),
                _ => signature.to_owned(),
            },
            Shape::Prefix(prefix) => format!("{prefix}{signature}"),
            Shape::Items(version) => format!("{version},{signature}"),
            Shape::Auth(scheme) => format!("{scheme} {signature}"),
            Shape::Fields(separator, name) | Shape::Sets(separator, name) => {
                let time = match self.row.time.as_ref().map(|time| &time.at) {
                    Some(At::Field(key)) => format!("{key}={timestamp}{}", char::from(separator)),
                    _ => String::new(),
                };
                format!("{time}{name}={signature}")
            }
        }
    }

    /// The timestamp and id of the headers, wherever one can be seen.
    fn signed(&self, parts: &Parts) -> Signed {
        let any = |names: &[&'static str]| {
            let line = names.iter().find_map(|name| parts.headers.get(*name));
            line.map(|line| line.as_bytes().to_vec())
        };
        let timestamp = match self.row.time.as_ref().map(|time| &time.at) {
            Some(At::Header(names)) => any(names),
            Some(At::Field(key)) => match &self.row.place {
                Place::Header(names) => any(names).and_then(|value| {
                    let key = [key.as_bytes(), b"="].concat();
                    let at = value.windows(key.len()).position(|window| window == key)?;
                    let behind = value[at + key.len()..].iter();
                    let text = behind.take_while(|byte| !b",; ".contains(byte));
                    Some(text.copied().collect())
                }),
                _ => None,
            },
            _ => None,
        };
        let event_id = match &self.row.id.at {
            IdAt::Header(names) => any(names),
            _ => None,
        };
        Signed {
            timestamp: timestamp.unwrap_or_default(),
            event_id: event_id.unwrap_or_default(),
        }
    }

    /// The body of an honest request that says `text`.
    pub fn honest_body(&self, text: &[u8], at: i64) -> Vec<u8> {
        let Some(body) = self.row.body else {
            return text.to_vec();
        };
        let text = text
            .escape_ascii()
            .to_string()
            .replace(['\\', '"', '%', '&', '='], "");
        let body = body.replace("$TIME", &self.time(at));
        body.replace("$TEXT", &text).into_bytes()
    }

    /// How this provider writes a time, in milliseconds.
    fn time(&self, at: i64) -> String {
        match self.row.time.as_ref().map(|time| time.unit) {
            None | Some(Unit::Seconds) => at.div_euclid(1000).to_string(),
            Some(Unit::Millis) => at.to_string(),
            Some(Unit::Rfc3339) => Timestamp::from_unix_millis(at).to_string(),
            Some(Unit::Rfc3339Utc) => {
                let text = Timestamp::from_unix_millis(at).to_string();
                text.trim_end_matches('Z').to_owned()
            }
        }
    }

    fn names(&self) -> [String; 3] {
        let signature = match &self.row.place {
            Place::Header(names) | Place::Either(names) => names[0].to_owned(),
            Place::Lines(name) => (*name).to_owned(),
            Place::Numbered(prefix) => format!("{prefix}1"),
            Place::Query(_) | Place::Json(_) | Place::Form(_) => "?".to_owned(),
        };
        let timestamp = match self.row.time.as_ref().map(|time| &time.at) {
            Some(At::Header(names)) => names[0],
            _ => "x-time",
        };
        let id = match &self.row.id.at {
            IdAt::Header(names) => names[0],
            _ => "x-id",
        };
        [signature, timestamp.to_owned(), id.to_owned()]
    }

    /// Signs one of the alternatives, whichever.
    fn sign(&self, contents: Option<Vec<Content>>, which: usize) -> String {
        let key = self.trusted.last().expect("a key");
        let content = contents.and_then(|contents| contents.into_iter().nth(which % 2));
        key.sign(&self.row, &content.unwrap_or_default())
    }

    /// The body with its signatures, each made as if there were none.
    fn signed_inside(&self, signed: &Signed, parts: &Parts, body: &[u8]) -> Vec<u8> {
        let unsigned: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| *byte != SIGNATURE)
            .collect();
        let items = match self.row.of {
            None => vec![&unsigned[..]],
            Some(array) => match json::items(&unsigned, array) {
                Ok(Some(items)) if !items.is_empty() => items,
                _ => vec![&unsigned[..]],
            },
        };
        let signatures: Vec<String> = items
            .iter()
            .map(|item| {
                self.sign(
                    contents(&self.row, signed, parts, (&unsigned, item), &LENIENT),
                    0,
                )
            })
            .collect();
        let mut filled = Vec::new();
        let mut next = 0;
        for byte in body {
            match *byte {
                SIGNATURE => {
                    let last = signatures.len() - 1;
                    filled.extend_from_slice(signatures[next.min(last)].as_bytes());
                    next += 1;
                }
                byte => filled.push(byte),
            }
        }
        filled
    }
}
