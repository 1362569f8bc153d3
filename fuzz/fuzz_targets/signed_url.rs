//! URLs and forms as providers sign them: the signature of one request is good
//! for another if, and only if, both are the same by the provider's rule.

#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::client_ip::{ClientIp, PeerAddr, TrustedProxies};
use tower_webhook::signature::{PublicUrl, ReceivedUri, Scheme};
use tower_webhook::store::DedupKey;
use tower_webhook::testing::ManualClock;
use tower_webhook::{Timestamp, VerifiedBody, Verifier, WebhookLayer, provider};
use tower_webhook_fuzz::body::{Chunked, block_on};
use tower_webhook_fuzz::content::{is_form, unescaped};
use tower_webhook_fuzz::form;
use tower_webhook_fuzz::keys::{digest, hmac};
use tower_webhook_fuzz::oracle::NOW;
use tower_webhook_fuzz::recorder::Recorder;
use tower_webhook_fuzz::row::{Encoding, Hash};
use tower_webhook_fuzz::url::{either_port, host, is_configurable, target};

const SECRET: &str = "a-secret";
const NONCE: &str = "12345";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    provider: u8,
    /// Where the URL comes from: see [`Place`].
    place: u8,
    get: bool,
    /// Whether a router changed the target of the second request.
    routed: bool,
    /// Which of the alternatives is signed.
    which: u8,
    /// The URL that is configured, the targets of two requests, their content
    /// type, each on a line, and their bodies, with a zero in between. The
    /// second is as the first where it is missing.
    text: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Registered,
    Base,
    Behind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Provider {
    Twilio,
    Square,
    HubspotV2,
    HubspotV3,
    Plivo,
    Mandrill,
    Trello,
}

impl Provider {
    const ALL: [Self; 7] = [
        Self::Twilio,
        Self::Square,
        Self::HubspotV2,
        Self::HubspotV3,
        Self::Plivo,
        Self::Mandrill,
        Self::Trello,
    ];

    fn scheme(self, url: PublicUrl) -> Scheme {
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
    fn contents(self, message: &Message, strict: bool) -> Vec<Vec<u8>> {
        let Message { url, body, .. } = message;
        let method = message.method.as_str();
        let one = |parts: &[&[u8]]| vec![parts.concat()];
        match self {
            Self::Twilio => match message.form_or_digest(strict) {
                Some(form) => either_port(url).map(|url| (url + &form).into_bytes()).into(),
                None => Vec::new(),
            },
            Self::Square => one(&[url.as_bytes(), body]),
            Self::HubspotV2 => one(&[SECRET.as_bytes(), method.as_bytes(), url.as_bytes(), body]),
            Self::HubspotV3 => {
                let (url, time) = (unescaped(url), NOW.to_string());
                one(&[method.as_bytes(), url.as_bytes(), body, time.as_bytes()])
            }
            Self::Plivo => message.plivo(strict).into_iter().map(String::into_bytes).collect(),
            Self::Mandrill => {
                let pairs = message.pairs(strict);
                let pairs = pairs.filter(|pairs| !strict || !repeats_a_name(pairs));
                let joined = pairs.map(|pairs| format!("{url}{}", joined(pairs)));
                joined.into_iter().map(String::into_bytes).collect()
            }
            Self::Trello => one(&[body, url.as_bytes()]),
        }
    }

    fn headers(self, content: &[u8]) -> Vec<(&'static str, String)> {
        let base64 = |hash| Encoding::Base64.write(&hmac(hash, SECRET.as_bytes(), content));
        match self {
            Self::Twilio => vec![("x-twilio-signature", base64(Hash::Sha1))],
            Self::Square => vec![("x-square-hmacsha256-signature", base64(Hash::Sha256))],
            Self::HubspotV2 => vec![
                ("x-hubspot-signature-version", "v2".to_owned()),
                ("x-hubspot-signature", Encoding::Hex.write(&digest(Hash::Sha256, content))),
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

    fn takes(self, method: &Method) -> bool {
        let get = !matches!(self, Self::Square | Self::Mandrill | Self::Trello);
        method == Method::POST || get && method == Method::GET
    }

    /// Whether a delivery is known by what is signed and nothing else.
    fn is_known_by_content(self) -> bool {
        matches!(self, Self::Twilio | Self::Plivo | Self::Mandrill)
    }
}

/// What a provider signs a part of.
struct Message {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Message {
    /// The body's pairs; `None` if it is no form, or none that can be read.
    fn pairs(&self, strict: bool) -> Option<Vec<(String, String)>> {
        let is_form = is_form(&self.headers);
        match strict {
            true => is_form.filter(|is_form| *is_form).and_then(|_| form::pairs(&self.body)),
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
        let stated = if strict { stated.ok()? } else { stated.ok().flatten() };
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
            false => form_urlencoded::parse(self.query().as_bytes()).into_owned().collect(),
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
    pairs.into_iter().map(|(name, value)| name + &value).collect()
}

fn repeats_a_name(pairs: &[(String, String)]) -> bool {
    let mut names: Vec<_> = pairs.iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names.len() < pairs.len()
}

fuzz_target!(|input: Input<'_>| {
    let provider = Provider::ALL[usize::from(input.provider) % Provider::ALL.len()];
    let place = [Place::Registered, Place::Base, Place::Behind][usize::from(input.place) % 3];
    let lines: Vec<&[u8]> = input.text.splitn(5, |byte| *byte == b'\n').collect();
    let [configured, first, second, kind, bodies] = lines[..] else {
        return;
    };
    let Ok(configured) = str::from_utf8(configured) else {
        return;
    };
    let Some(public_url) = public_url(place, configured) else {
        return;
    };
    let second = if second.is_empty() { first } else { second };
    let (Ok(first), Ok(second)) = (Uri::try_from(first), Uri::try_from(second)) else {
        return;
    };
    let mut bodies = bodies.splitn(2, |byte| *byte == 0);
    let body = bodies.next().expect("a piece");
    let other = bodies.next().unwrap_or(body);
    let method = if input.get { Method::GET } else { Method::POST };
    let request = |uri: &Uri| request(&method, place, configured, uri, kind);
    let (Some(mut first), Some(mut second)) = (request(&first), request(&second)) else {
        return;
    };

    let message = |parts: &Parts, body: &[u8]| {
        Some(Message {
            method: parts.method.clone(),
            url: url(place, configured, &parts.uri)?,
            headers: parts.headers.clone(),
            body: body.to_vec(),
        })
    };
    let verifier = Verifier::new(provider.scheme(public_url), SECRET).expect("a URL");
    let now = Timestamp::from_unix_millis(NOW);
    let (signed, other_message) = (message(&first, body), message(&second, other));
    if input.routed {
        let received = std::mem::replace(&mut second.uri, Uri::from_static("/other?x"));
        second.extensions.insert(ReceivedUri(received));
    }
    let (Some(signed), Some(other_message)) = (signed, other_message) else {
        // Nobody can say where the request was sent to.
        sign(&mut first, provider, b"");
        assert!(verifier.verify(&first, body, now).is_err());
        return;
    };

    let contents = provider.contents(&signed, true);
    let candidates = match contents.is_empty() {
        true => provider.contents(&signed, false),
        false => contents.clone(),
    };
    let Some(content) = candidates.get(usize::from(input.which) % candidates.len().max(1)) else {
        return;
    };
    sign(&mut first, provider, content);
    sign(&mut second, provider, content);
    let context = || format!("{provider:?} {first:?} {second:?} {}", input.text.escape_ascii());
    let takes = provider.takes(&method);
    let accepted = verifier.verify(&first, body, now).is_ok();
    assert_eq!(accepted, takes && !contents.is_empty(), "{}", context());
    let others = provider.contents(&other_message, true);
    let also = verifier.verify(&second, other, now).is_ok();
    assert_eq!(also, takes && others.contains(content), "{}", context());

    if provider.is_known_by_content() && accepted && also {
        let key = |parts: &Parts, body| key(&verifier, parts.clone(), body);
        let same = contents.first() == others.first();
        assert_eq!(key(&first, body) == key(&second, other), same, "{}", context());
    }
});

/// Panics unless what may be configured is what must be able to be.
fn public_url(place: Place, configured: &str) -> Option<PublicUrl> {
    let (made, may) = match place {
        Place::Registered => (PublicUrl::registered(configured), is_configurable(configured, false)),
        Place::Base => (PublicUrl::base(configured), is_configurable(configured, true)),
        Place::Behind => {
            let proxies = TrustedProxies::x_forwarded_for(["10.0.0.0/8"])
                .and_then(|proxies| proxies.with_scheme_header("x-forwarded-proto"))
                .and_then(|proxies| proxies.with_host_header("x-forwarded-host"));
            let client_ip = ClientIp::behind(proxies.expect("valid headers"));
            (PublicUrl::behind(client_ip), true)
        }
    };
    assert_eq!(made.is_ok(), may, "{configured}");
    made.ok()
}

/// The URL that a request was sent to; `None` if nobody can say.
fn url(place: Place, configured: &str, uri: &Uri) -> Option<String> {
    Some(match place {
        Place::Registered => configured.to_owned(),
        Place::Base => {
            let base = configured.strip_suffix('/').unwrap_or(configured);
            format!("{base}{}", target(uri))
        }
        Place::Behind => {
            let (scheme, authority) = configured.split_once("://")?;
            let scheme = scheme.trim_matches([' ', '\t']).to_ascii_lowercase();
            ["http", "https"].contains(&scheme.as_str()).then_some(())?;
            let host = host(authority.trim_matches([' ', '\t']), &scheme)?;
            format!("{scheme}://{host}{}", target(uri))
        }
    })
}

fn request(
    method: &Method,
    place: Place,
    configured: &str,
    uri: &Uri,
    kind: &[u8],
) -> Option<Parts> {
    let mut request = Request::new(());
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    let headers = request.headers_mut();
    // The sender's word, which counts for nothing.
    headers.insert("host", HeaderValue::from_static("evil.test"));
    if !kind.is_empty() {
        headers.insert("content-type", HeaderValue::from_bytes(kind).ok()?);
    }
    if place == Place::Behind {
        let (scheme, host) = configured.split_once("://").unwrap_or((configured, ""));
        headers.insert("x-forwarded-proto", HeaderValue::from_str(scheme).ok()?);
        headers.insert("x-forwarded-host", HeaderValue::from_str(host).ok()?);
        let peer = PeerAddr::new(([10, 0, 0, 1], 443).into());
        request.extensions_mut().insert(peer);
    }
    Some(request.into_parts().0)
}

fn sign(parts: &mut Parts, provider: Provider, content: &[u8]) {
    for (name, value) in provider.headers(content) {
        let value = HeaderValue::from_str(&value).expect("a text");
        parts.headers.insert(name, value);
    }
}

/// What the delivery is remembered by.
fn key(verifier: &Verifier, parts: Parts, body: &[u8]) -> Vec<DedupKey> {
    let store = Arc::new(Recorder::default());
    let now = Timestamp::from_unix_millis(NOW);
    let layer = WebhookLayer::new(verifier.clone())
        .with_clock(Arc::new(ManualClock::new(now)))
        .with_store(store.clone())
        .expect("events are remembered for long enough")
        .without_handshakes();
    let handler = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    });
    let body = Chunked::new(Bytes::copy_from_slice(body), &[], false);
    let request = Request::from_parts(parts, body);
    let response = block_on(layer.layer(handler).oneshot(request));
    assert_eq!(response.status(), 200, "{response:?}");
    let keys = store.claimed();
    assert!(!keys.is_empty());
    keys
}
