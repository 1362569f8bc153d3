//! Contentful's request verification.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::HOUR;
use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{
    Coverage, Encoding, Hash, Protocol, Received, Scheme, SecretEncoding, Source, Statement,
    TimestampRule, original_uri, signed_header,
};

const SIGNATURE: &str = "x-contentful-signature";
const SIGNED_HEADERS: &str = "x-contentful-signed-headers";
const TIMESTAMP: &str = "x-contentful-timestamp";
const TOPIC: &str = "x-contentful-topic";

/// More than Contentful sends, custom headers included.
const MAX_SIGNED_HEADERS: usize = 64;

/// What `encodeURI` of ECMAScript leaves as it is, apart from letters and
/// digits: the reserved and the unreserved marks, and `#`.
const ENCODE_URI: &AsciiSet = &ESCAPE
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');

/// What `querystring.escape` of Node.js leaves as it is.
const ESCAPE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Contentful: `x-contentful-signature: <hex>`, HMAC-SHA256 over the method, the
/// path with its query, the headers that `x-contentful-signed-headers` lists,
/// and the body.
///
/// The list must name itself and the timestamp. **Not signed** is every header
/// that it does not name, and the host. A request is fresh for 30 seconds, as in
/// Contentful's own toolkit; see [`Contentful::with_tolerance`]. Retries are
/// signed anew.
///
/// The secret has 64 characters. The signed path is the one that Contentful
/// calls: behind a proxy that changes it, state it with
/// [`Scheme::with_public_url`].
///
/// ```
/// use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
///
/// let secret = "a".repeat(64);
/// let verifier = Verifier::new(provider::contentful(), secret.as_str())?;
/// let (parts, ()) = http::Request::post("/webhook")
///     .header("x-contentful-topic", "ContentManagement.Entry.publish")
///     .header("x-contentful-timestamp", "1700000000000")
///     .header(
///         "x-contentful-signed-headers",
///         "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
///     )
///     .header(
///         "x-contentful-signature",
///         "3b5b16630b15ce482083c9a4f4a812caf0f6adf94a11103e7b41ca6f488f6f58",
///     )
///     .body(())?
///     .into_parts();
/// let body = br#"{"type":"example","name":"J\u00f6rg","n":1}"#;
///
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// assert!(verifier.verify(&parts, body, now).is_ok());
/// let refused = verifier.verify(&parts, b"{}", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn contentful() -> Scheme {
    Contentful::new().into()
}

/// [`contentful`] with choices.
#[derive(Clone, Debug)]
pub struct Contentful {
    tolerance: Duration,
}

impl Contentful {
    /// As Contentful's own toolkit verifies.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tolerance: Duration::from_secs(30),
        }
    }

    /// How far from now a timestamp may be, in both directions (default: 30
    /// seconds).
    #[must_use]
    pub const fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }
}

impl Default for Contentful {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Contentful> for Scheme {
    fn from(contentful: Contentful) -> Self {
        let timestamp =
            TimestampRule::millis(Source::header(TIMESTAMP)).with_tolerance(contentful.tolerance);
        Self::hmac("contentful", Hash::Sha256)
            .with_reference(
                "https://www.contentful.com/developers/docs/extensibility/app-framework/request-verification/",
            )
            .with_secret_encoding(SecretEncoding::TextOfLength(64))
            .with_content([])
            .with_protocol(Arc::new(ContentfulProtocol { timestamp }))
            .with_optional_event_id([Source::header("x-contentful-idempotency-key")])
            .with_event_type([Source::header(TOPIC)])
            .with_retry_horizon(HOUR)
    }
}

#[derive(Debug)]
struct ContentfulProtocol {
    timestamp: TimestampRule,
}

/// What the headers say, read.
struct Signed<'a> {
    signature: Vec<u8>,
    timestamp: Timestamp,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl ContentfulProtocol {
    fn read<'a>(&self, parts: &'a Parts, now: Timestamp) -> Result<Signed<'a>, Rejection> {
        if !parts.headers.contains_key(SIGNATURE) {
            return Err(reject(RejectionKind::MissingSignature, SIGNATURE));
        }
        let signature = signed_header(parts, SIGNATURE)
            .map_err(|_| reject(RejectionKind::RepeatedSignatureHeader, SIGNATURE))?;
        let signature = Encoding::Hex
            .decode(signature)
            .ok_or_else(|| reject(RejectionKind::MalformedSignature, SIGNATURE))?
            .into_owned();
        let timestamp = self
            .timestamp
            .check(signed_header(parts, TIMESTAMP)?, now)?;
        let headers = signed_headers(parts)?;
        Ok(Signed {
            signature,
            timestamp,
            headers,
        })
    }
}

/// The headers that are signed, by their names in the order of the list.
///
/// The sender sorts the list. One in another order, with a name twice, or in
/// upper case, is not the sender's.
fn signed_headers(parts: &Parts) -> Result<Vec<(&str, &[u8])>, Rejection> {
    let malformed = || reject(RejectionKind::MalformedSignedValue, SIGNED_HEADERS);
    let list = std::str::from_utf8(signed_header(parts, SIGNED_HEADERS)?);
    let names: Vec<&str> = list
        .map_err(|_| malformed())?
        .split(',')
        .take(MAX_SIGNED_HEADERS + 1)
        .collect();
    let in_order = names.is_sorted_by(|left, right| left < right);
    let in_lower_case = |name: &&str| !name.bytes().any(|byte| byte.is_ascii_uppercase());
    if names.len() > MAX_SIGNED_HEADERS || !in_order || !names.iter().all(in_lower_case) {
        return Err(malformed());
    }
    for needed in [SIGNED_HEADERS, TIMESTAMP] {
        if !names.contains(&needed) {
            return Err(reject(RejectionKind::MissingSignedValue, needed));
        }
    }
    let headers = names
        .iter()
        .map(|name| Ok((*name, signed_header(parts, name)?.trim_ascii())))
        .collect::<Result<Vec<_>, Rejection>>()?;
    // `a:1;b:2` would also be one header with the value `1;b:2`.
    let holds_another = |value: &[u8]| {
        names.iter().any(|name| {
            let start = format!(";{name}:");
            memchr::memmem::find(value, start.as_bytes()).is_some()
        })
    };
    match headers.iter().any(|(_, value)| holds_another(value)) {
        true => Err(malformed()),
        false => Ok(headers),
    }
}

/// The path and query, escaped as Contentful's toolkit does: the query as one
/// text, and then everything once more.
fn escaped_path(path: &str) -> Result<String, Rejection> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    // The toolkit leaves a second question mark, and what follows it, unsigned.
    if query.contains('?') {
        return Err(reject(RejectionKind::MalformedSignedValue, "path"));
    }
    let joined: Cow<'_, str> = match query {
        "" => path.into(),
        query => format!("{path}?{}", utf8_percent_encode(query, ESCAPE)).into(),
    };
    Ok(utf8_percent_encode(&joined, ENCODE_URI).to_string())
}

fn reject(kind: RejectionKind, what: &'static str) -> Rejection {
    Rejection::new(kind).with_detail(what)
}

impl Protocol for ContentfulProtocol {
    fn validate(&self, _: &Scheme) -> Result<(), &'static str> {
        match self.timestamp.past_tolerance().is_zero() {
            true => Err("its tolerance is zero, which would refuse every request"),
            false => Ok(()),
        }
    }

    fn precheck(&self, parts: &Parts, now: Timestamp) -> Result<(), Rejection> {
        self.read(parts, now).map(drop)
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let signed = self.read(received.parts(), received.now())?;
        let path = match received.scheme().public_url() {
            Some(_) => path_of(&received.url()?).to_owned(),
            None => original_uri(received.parts())
                .path_and_query()
                .map_or("/", http::uri::PathAndQuery::as_str)
                .to_owned(),
        };
        let mut content = Vec::with_capacity(received.body().len() + 512);
        content.extend_from_slice(received.parts().method.as_str().as_bytes());
        content.push(b'\n');
        content.extend_from_slice(escaped_path(&path)?.as_bytes());
        content.push(b'\n');
        for (position, (name, value)) in signed.headers.iter().enumerate() {
            if position > 0 {
                content.push(b';');
            }
            content.extend_from_slice(name.as_bytes());
            content.push(b':');
            content.extend_from_slice(value);
        }
        content.push(b'\n');
        content.extend_from_slice(received.body());
        Ok(Statement::new(content, signed.signature).with_timestamp(signed.timestamp))
    }

    fn coverage(&self) -> Coverage {
        Coverage::Body
    }

    fn freshness_window(&self) -> Duration {
        self.timestamp.window()
    }
}

/// What follows the host of an absolute URL.
fn path_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(host..).unwrap_or("");
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_as_the_toolkit_does() {
        let escaped = |path: &str| escaped_path(path).ok();
        for (path, expected) in [
            ("/api/v1", "/api/v1"),
            ("/api/v1?", "/api/v1"),
            ("/api/v1?a=1&b=2", "/api/v1?a%253D1%2526b%253D2"),
            ("/a%20b", "/a%2520b"),
            ("/a b?c d", "/a%20b?c%2520d"),
            ("/;,/:@&=+$-_.!~*'()#", "/;,/:@&=+$-_.!~*'()#"),
            ("/x?!~*'()-_.", "/x?!~*'()-_."),
            ("/\u{e9}", "/%C3%A9"),
        ] {
            assert_eq!(escaped(path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(escaped("/a?b=1?c=2"), None);
    }

    #[test]
    fn the_path_of_a_url_starts_behind_its_host() {
        assert_eq!(path_of("https://example.com/a?b"), "/a?b");
        assert_eq!(path_of("https://example.com"), "/");
    }
}
