//! What a row says is signed.

use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};

use crate::form;
use crate::json::{self, JsonError};
use crate::judge::one;
use crate::keys::Content;
use crate::row::{Encoding, Piece, Row, UrlForm};

/// How values are read from the body.
pub struct Reader {
    pub strict: bool,
    pub json: fn(&[u8], &str) -> Result<Option<String>, JsonError>,
    pub form: fn(&[u8]) -> Option<Vec<(String, String)>>,
}

pub const STRICT: Reader = Reader {
    strict: true,
    json: json::text,
    form: form::pairs,
};

/// What of the request is signed besides its body.
#[derive(Default)]
pub struct Signed {
    pub timestamp: Vec<u8>,
    pub event_id: Vec<u8>,
}

/// What is signed of an item of the body; alternatives, if the URL has some.
pub fn contents(
    row: &Row,
    signed: &Signed,
    parts: &Parts,
    (body, item): (&[u8], &[u8]),
    reader: &Reader,
) -> Option<Vec<Content>> {
    let url = format!("{ORIGIN}{}", parts.uri);
    let content = |with_port: bool| {
        let mut content = Content::default();
        let mut secret_passed = false;
        for piece in &row.signed {
            let text = match piece {
                Piece::Literal(text) => text.as_bytes().to_vec(),
                Piece::Body => body.to_vec(),
                Piece::BodyDigest => Sha256::digest(body).to_vec(),
                Piece::Timestamp => signed.timestamp.clone(),
                Piece::Id => signed.event_id.clone(),
                Piece::Secret => {
                    secret_passed = true;
                    continue;
                }
                Piece::Method => parts.method.as_str().as_bytes().to_vec(),
                Piece::Url(UrlForm::EitherPort) if with_port => {
                    url.replacen(ORIGIN, ORIGIN_WITH_PORT, 1).into_bytes()
                }
                Piece::Url(UrlForm::AsIs | UrlForm::EitherPort) => url.clone().into_bytes(),
                Piece::Url(UrlForm::Unescaped) => unescaped(&url).into_bytes(),
                Piece::Form { once, digest } => {
                    sorted_form(parts, &url, (*once, *digest), body, reader)?.into_bytes()
                }
                Piece::Value { pointer, optional } => {
                    let value = (reader.json)(item, pointer).ok()?;
                    value
                        .or_else(|| optional.then(String::new))
                        .map(String::into_bytes)?
                }
            };
            match secret_passed {
                true => content.after.extend(text),
                false => content.before.extend(text),
            }
        }
        Some(content)
    };
    Some(vec![content(false)?, content(true)?])
}

/// Where the receiver is, for those that sign the URL.
pub const ORIGIN: &str = "https://example.com";
const ORIGIN_WITH_PORT: &str = "https://example.com:443";

/// The escapes that HubSpot lists, once.
pub fn unescaped(url: &str) -> String {
    let listed = ":/?@!$'()*,;";
    let mut pieces = url.split('%');
    let mut text = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        let escape = listed
            .chars()
            .find(|c| {
                let digits = format!("{:02X}", u32::from(*c));
                let start = piece.get(..2);
                start.is_some_and(|start| start.eq_ignore_ascii_case(&digits))
            })
            .map(|c| (c, &piece[2..]));
        let (c, rest) = escape.unwrap_or(('%', piece));
        text.push(c);
        text.push_str(rest);
    }
    text
}

/// The pairs of a form, sorted; nothing of another body, whose digest must be
/// in the URL then.
fn sorted_form(
    parts: &Parts,
    url: &str,
    (once, digest): (bool, Option<&str>),
    body: &[u8],
    reader: &Reader,
) -> Option<String> {
    let is_form = match reader.strict {
        true => is_form(&parts.headers)?,
        false => is_form(&parts.headers).unwrap_or(true),
    };
    let query = url.split_once('?').map_or("", |(_, query)| query);
    if let Some(digest) = digest
        && let Some(stated) = form::text(query.as_bytes(), digest).ok()?
    {
        let genuine = Encoding::Hex.write(&Sha256::digest(body));
        let same = stated.eq_ignore_ascii_case(&genuine);
        return (same || !reader.strict).then(String::new);
    }
    if !is_form {
        let nothing = body.is_empty() && digest.is_some();
        return (nothing || !reader.strict).then(String::new);
    }
    let pairs = (reader.form)(body)?;
    let mut sorted: Vec<_> = pairs.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut names: Vec<_> = pairs.iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    (once || names.len() == pairs.len() || !reader.strict).then_some(())?;
    Some(
        sorted
            .iter()
            .map(|(name, value)| format!("{name}{value}"))
            .collect(),
    )
}

/// Whether the body is a form; `None` if that is said twice, or the form is not
/// in UTF-8.
pub fn is_form(headers: &HeaderMap) -> Option<bool> {
    if !headers.contains_key("content-type") {
        return Some(false);
    }
    let line = String::from_utf8_lossy(one(headers, "content-type")?).to_ascii_lowercase();
    let mut pieces = line.split(';').map(|piece| piece.trim_matches([' ', '\t']));
    if pieces.next() != Some("application/x-www-form-urlencoded") {
        return Some(false);
    }
    let mut charsets = pieces.filter_map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        (name.trim_matches([' ', '\t']) == "charset").then_some(value.trim_matches([' ', '\t']))
    });
    charsets
        .all(|charset| {
            let charset = charset.strip_prefix('"').unwrap_or(charset);
            charset.strip_suffix('"').unwrap_or(charset) == "utf-8"
        })
        .then_some(true)
}
