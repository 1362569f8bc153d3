//! What each preset must accept, from its provider's documentation and without
//! the crate's parsers: texts are compared with the one genuine text.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderMap, Method};
use sha2::Sha256;
use tower_webhook::provider::{self, Preset as Registered};
use tower_webhook::signature::Scheme;
use tower_webhook::{Secret, Secrets, Verifier};

use crate::json::{self, Found};
use crate::text::{Genuine, split_once};
use crate::time::{digits, rfc3339};

/// The keys, old and new. Only letters and dashes, for a token in a URL.
const KEYS: [&str; 2] = ["an-older-secret", "a-secret"];

/// What the clock shows, in milliseconds.
pub const NOW: i64 = 1_700_000_000_123;
const EVENT_ID: &str = "evt_1";

const MINUTE: i128 = 60_000;

/// A preset with what verifies it.
pub struct Preset {
    pub scheme: Scheme,
    pub verifier: Verifier,
    /// The newer of its secrets.
    pub secret: Secret,
}

/// The presets that are known here. A new one goes to the end: inputs name them
/// by position.
const NAMES: [&str; 19] = [
    "bitbucket",
    "box",
    "github",
    "gitlab_signing_token",
    "gitlab_token",
    "linear",
    "meta",
    "new_relic_basic",
    "new_relic_bearer",
    "new_relic_header",
    "paddle",
    "pingdom",
    "shopify",
    "slack",
    "standard_webhooks",
    "stripe",
    "svix",
    "woocommerce",
    "zoom",
];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let named = |name| provider::by_name(name).expect("a preset of the registry");
    NAMES.map(|name| Preset::new(named(name))).into()
});

/// The preset at `index`, round and round.
pub fn preset(index: u8) -> &'static Preset {
    &PRESETS[usize::from(index) % PRESETS.len()]
}

impl Preset {
    fn new(registered: Registered) -> Self {
        let scheme = match registered {
            Registered::Signed(scheme) => scheme,
            Registered::Unsigned(unsigned) => unsigned.with_token_in_query("token"),
            _ => panic!("a new kind of preset"),
        };
        let secret = |key: &str| {
            Secret::new(match is_standard(scheme.name()) {
                true => format!("whsec_{}", STANDARD.encode(key)),
                false => key.to_owned(),
            })
        };
        let secrets = Secrets::from(KEYS.map(secret));
        Self {
            verifier: Verifier::new(scheme.clone(), secrets).expect("presets are valid"),
            secret: secret(KEYS[1]),
            scheme,
        }
    }

    pub fn name(&self) -> &str {
        self.scheme.name()
    }

    /// What a genuine request with this body holds.
    pub fn genuine(&self, body: &[u8]) -> Genuine {
        let timestamp = match self.name() {
            "box" => "2023-11-14T22:13:20.123Z".to_owned(),
            _ => (NOW / 1000).to_string(),
        };
        let content = content(self.name(), timestamp.as_bytes(), EVENT_ID.as_bytes(), body);
        Genuine {
            signature: written(self.name(), KEYS[1], &content),
            timestamp,
            event_id: EVENT_ID.to_owned(),
        }
    }

    /// Whether the request is genuine and fresh.
    pub fn accepts(&self, parts: &Parts, body: &[u8], now: i64) -> bool {
        parts.method == Method::POST && self.judge(parts, body, now.into()).is_some()
    }

    fn judge(&self, parts: &Parts, body: &[u8], now: i128) -> Option<()> {
        let headers = &parts.headers;
        // A sender's clock that counts seconds is compared with ours in
        // seconds.
        let seconds = |text| within(digits(text, 1000)?, now.div_euclid(1000) * 1000, 5 * MINUTE);
        let mut timestamp: &[u8] = b"";
        let mut event_id: &[u8] = b"";
        let signatures: Vec<&[u8]> = match self.name() {
            "stripe" | "paddle" => {
                let (header, separator, time, version): (_, _, &[u8], &[u8]) = match self.name() {
                    "stripe" => ("stripe-signature", b',', b"t", b"v1"),
                    _ => ("paddle-signature", b';', b"ts", b"h1"),
                };
                let fields: Vec<_> = one(headers, header)?
                    .split(|byte| *byte == separator)
                    .filter_map(|field| split_once(trim(field), b'='))
                    .collect();
                let named = |name| fields.iter().filter(move |field| field.0 == name);
                timestamp = only(named(time))?.1;
                seconds(timestamp)?;
                named(version).map(|field| field.1).collect()
            }
            "slack" | "zoom" => {
                let (header, time) = match self.name() {
                    "slack" => ("x-slack-signature", "x-slack-request-timestamp"),
                    _ => ("x-zm-signature", "x-zm-request-timestamp"),
                };
                timestamp = one(headers, time)?;
                seconds(timestamp)?;
                vec![one(headers, header)?.strip_prefix(b"v0=")?]
            }
            "github" | "meta" | "bitbucket" => {
                let header = match self.name() {
                    "bitbucket" => "x-hub-signature",
                    _ => "x-hub-signature-256",
                };
                vec![one(headers, header)?.strip_prefix(b"sha256=")?]
            }
            "standard_webhooks" | "gitlab_signing_token" | "svix" => {
                let svix = self.name() == "svix" && headers.contains_key("svix-signature");
                let [id, time, signature] = match svix {
                    true => ["svix-id", "svix-timestamp", "svix-signature"],
                    false => ["webhook-id", "webhook-timestamp", "webhook-signature"],
                };
                event_id = one(headers, id)?;
                timestamp = one(headers, time)?;
                seconds(timestamp)?;
                if event_id.contains(&b'.') {
                    return None;
                }
                one(headers, signature)?
                    .split(|byte| *byte == b' ')
                    .filter_map(|item| item.strip_prefix(b"v1,"))
                    .collect()
            }
            "shopify" => {
                let newer = headers.contains_key("shopify-hmac-sha256");
                vec![one(
                    headers,
                    if newer {
                        "shopify-hmac-sha256"
                    } else {
                        "x-shopify-hmac-sha256"
                    },
                )?]
            }
            "woocommerce" => vec![one(headers, "x-wc-webhook-signature")?],
            "box" => {
                let fixed = [("version", "1"), ("algorithm", "HmacSHA256")];
                for (name, value) in fixed {
                    let line = one(headers, &format!("box-signature-{name}"))?;
                    line.eq_ignore_ascii_case(value.as_bytes()).then_some(())?;
                }
                timestamp = one(headers, "box-delivery-timestamp")?;
                within(rfc3339(timestamp)?, now, 10 * MINUTE)?;
                let places = ["box-signature-primary", "box-signature-secondary"];
                let sent = places.iter().filter(|name| headers.contains_key(**name));
                sent.map(|name| one(headers, name)).collect::<Option<_>>()?
            }
            "linear" => {
                let time = match json::value(body, "/webhookTimestamp") {
                    Ok(Found::Text(text)) => Some(text),
                    Ok(Found::Nothing | Found::Unusable) => None,
                    // The crate may read a value out of what as a whole is not
                    // JSON; the target `json_value` looks into that.
                    Err(_) => tower_webhook::internal::json_value(body, "/webhookTimestamp")?,
                };
                within(digits(time?.as_bytes(), 1)?, now, MINUTE)?;
                vec![one(headers, "linear-signature")?]
            }
            "gitlab_token" => vec![one(headers, "x-gitlab-token")?],
            "new_relic_header" => vec![one(headers, "x-api-key")?],
            "new_relic_basic" | "new_relic_bearer" => {
                let (scheme, credentials) = split_once(one(headers, "authorization")?, b' ')?;
                let wanted: &[u8] = match self.name() {
                    "new_relic_basic" => b"basic",
                    _ => b"bearer",
                };
                (scheme.to_ascii_lowercase() == wanted).then_some(())?;
                vec![trim(credentials)]
            }
            "pingdom" => {
                let pairs = parts.uri.query()?.split('&');
                let tokens = pairs.filter_map(|pair| pair.strip_prefix("token="));
                vec![only(tokens)?.as_bytes()]
            }
            name => unreachable!("{name} is not in the list"),
        };
        let content = content(self.name(), timestamp, event_id, body);
        let genuine = KEYS.map(|key| written(self.name(), key, &content));
        let accepted = signatures.iter().any(|signature| {
            genuine.iter().any(|genuine| match is_hex(self.name()) {
                true => signature.eq_ignore_ascii_case(genuine.as_bytes()),
                false => *signature == genuine.as_bytes(),
            })
        });
        (accepted && signatures.len() <= 16).then_some(())
    }
}

fn is_standard(name: &str) -> bool {
    matches!(name, "standard_webhooks" | "gitlab_signing_token" | "svix")
}

fn is_hex(name: &str) -> bool {
    !matches!(name, "shopify" | "woocommerce" | "box") && !is_standard(name) && !is_token(name)
}

fn is_token(name: &str) -> bool {
    matches!(name, "gitlab_token" | "pingdom") || name.starts_with("new_relic")
}

/// What is signed.
fn content(name: &str, timestamp: &[u8], event_id: &[u8], body: &[u8]) -> Vec<u8> {
    let pieces: Vec<&[u8]> = match name {
        "stripe" => vec![timestamp, b".", body],
        "paddle" => vec![timestamp, b":", body],
        "slack" | "zoom" => vec![b"v0:", timestamp, b":", body],
        "box" => vec![body, timestamp],
        name if is_standard(name) => vec![event_id, b".", timestamp, b".", body],
        _ => vec![body],
    };
    pieces.concat()
}

/// The genuine signature, or token, as text.
fn written(name: &str, key: &str, content: &[u8]) -> String {
    if name == "new_relic_basic" {
        return STANDARD.encode(key);
    }
    if is_token(name) {
        return key.to_owned();
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key");
    mac.update(content);
    let mac = mac.finalize().into_bytes();
    match is_hex(name) {
        true => mac.iter().map(|byte| format!("{byte:02x}")).collect(),
        false => STANDARD.encode(mac),
    }
}

fn within(sent: i128, now: i128, tolerance: i128) -> Option<()> {
    ((now - sent).abs() <= tolerance).then_some(())
}

/// The one line of a header.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
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
