use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::request::Parts;

use crate::Timestamp;
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{
    Coverage, Encoding, Grammar, Hash, MAX_CANDIDATES, Protocol, PublicUrl, Received, Scheme,
    Source, Statement, form,
};

const SIGNATURES: &str = "x-plivo-signature-v3";
const MAIN_ACCOUNT_SIGNATURES: &str = "x-plivo-signature-ma-v3";
const NONCE: &str = "x-plivo-signature-v3-nonce";

/// Plivo, version 3: `X-Plivo-Signature-V3: <base64>[,<base64>…]`, HMAC-SHA256
/// over `{url}?{sorted query}.{sorted form}.{X-Plivo-Signature-V3-Nonce}`.
///
/// Query and form are decoded and sorted by name and value, so that neither the
/// order nor the escapes of a captured delivery are signed; it still is one event
/// to deduplication. (CVE-2026-41395 is a receiver that took it for several.)
/// The `?` and the first `.` are left out where there is nothing to separate. A
/// body that is not a form is refused. Nothing that is signed tells the end of the
/// query from a dot in it: a captured `?a=b.c` without a form can be sent as `?a=b`
/// with the form `c=`, and is the same event.
///
/// The secret is the auth token of the account, or of its main account: a
/// signature in `X-Plivo-Signature-MA-V3` counts as well. No timestamp is
/// signed, and no id; every attempt has a nonce of its own, so that a retry is
/// another event. Plivo waits for XML in the answer of most of these requests:
/// do not deduplicate those.
///
/// Versions 1 and 2, which do not sign the form, are not read.
///
/// Plivo's page describes the content in words that its libraries for Python and
/// Node do not follow to the letter; the libraries agree and count here.
///
/// # Example
///
/// ```
/// use tower_webhook::signature::PublicUrl;
/// use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
///
/// let url = PublicUrl::base("https://example.com")?;
/// let verifier = Verifier::new(provider::plivo(url), "my_auth_token")?;
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let (parts, ()) = http::Request::post("/answer")
///     .header("content-type", "application/x-www-form-urlencoded")
///     .header("x-plivo-signature-v3", "toGr9kzNCd5pYm4/G8AGhSKDpPpkZ3bgfW9I/u8zAQY=")
///     .header("x-plivo-signature-v3-nonce", "12345")
///     .body(())
///     .unwrap()
///     .into_parts();
///
/// assert!(verifier.verify(&parts, b"CallUUID=1&Digits=2", now).is_ok());
/// assert!(verifier.verify(&parts, b"Digits=2&CallUUID=1", now).is_ok());
/// let refused = verifier.verify(&parts, b"CallUUID=1&Digits=3", now).unwrap_err();
/// assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
/// # Ok::<(), tower_webhook::ConfigError>(())
/// ```
#[must_use]
pub fn plivo(url: PublicUrl) -> Scheme {
    Scheme::hmac("plivo", Hash::Sha256)
        .with_reference("https://docs.plivo.com/docs/voice/xml/request/validation")
        .with_methods([Method::POST, Method::GET])
        .with_public_url(url)
        .with_signature(Source::header(SIGNATURES), Grammar::Plain)
        .with_encoding(Encoding::Base64)
        .with_protocol(Arc::new(PlivoProtocol))
}

#[derive(Debug)]
struct PlivoProtocol;

impl Protocol for PlivoProtocol {
    fn precheck(&self, parts: &Parts, _now: Timestamp) -> Result<(), Rejection> {
        let names = [SIGNATURES, MAIN_ACCOUNT_SIGNATURES];
        match names.iter().any(|name| parts.headers.contains_key(*name)) {
            true => Ok(()),
            false => Err(Rejection::new(RejectionKind::MissingSignature)),
        }
    }

    fn judge(&self, received: &Received<'_>) -> Result<Statement, Rejection> {
        let malformed = || Rejection::new(RejectionKind::MalformedBody);
        let url = received.url()?;
        let (base, query) = url.split_once('?').unwrap_or((&url, ""));
        let query = form::sorted_pairs(query.as_bytes()).map_err(|_| malformed())?;
        let is_form = form::is_form(&received.parts().headers).map_err(|_| malformed())?;
        if !is_form && !received.body().is_empty() {
            return Err(Rejection::new(RejectionKind::MissingSignedValue)
                .with_detail("the body is not a form"));
        }
        let body = form::sorted_pairs(received.body()).map_err(|_| malformed())?;

        let query: Vec<String> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mut content = base.to_owned();
        if !query.is_empty() || !body.is_empty() {
            content.push('?');
        }
        content.push_str(&query.join("&"));
        if !query.is_empty() && !body.is_empty() {
            content.push('.');
        }
        content.extend(body.iter().flat_map(|(k, v)| [k.as_str(), v.as_str()]));
        content.push('.');
        content.push_str(nonce(received)?);
        statement(content, received.parts())
    }

    fn coverage(&self) -> Coverage {
        Coverage::Body
    }

    fn is_known_by_content(&self) -> bool {
        true
    }
}

/// The nonce. It ends the content: with a `.` in it, nobody could tell where it
/// starts.
fn nonce<'a>(received: &Received<'a>) -> Result<&'a str, Rejection> {
    let malformed = || Rejection::new(RejectionKind::MalformedSignedValue).with_detail(NONCE);
    let nonce = str::from_utf8(received.header(NONCE)?).map_err(|_| malformed())?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match !nonce.is_empty() && nonce.bytes().all(allowed) {
        true => Ok(nonce),
        false => Err(malformed()),
    }
}

/// One signature for each active auth token, in either header.
fn statement(content: String, parts: &Parts) -> Result<Statement, Rejection> {
    let mut signatures = Vec::new();
    let mut listed = 0;
    for name in [SIGNATURES, MAIN_ACCOUNT_SIGNATURES] {
        let mut lines = parts.headers.get_all(name).iter();
        let Some(line) = lines.next() else { continue };
        if lines.next().is_some() {
            return Err(Rejection::new(RejectionKind::RepeatedSignatureHeader));
        }
        for text in line.as_bytes().split(|byte| *byte == b',') {
            listed += 1;
            if listed > MAX_CANDIDATES {
                return Err(Rejection::new(RejectionKind::TooManySignatures));
            }
            let decoded = STANDARD.decode(text.trim_ascii());
            signatures.extend(decoded.ok().filter(|signature| !signature.is_empty()));
        }
    }
    let mut signatures = signatures.into_iter();
    let Some(first) = signatures.next() else {
        return Err(Rejection::new(RejectionKind::MalformedSignature));
    };
    let statement = Statement::new(content, first);
    Ok(signatures.fold(statement, Statement::or_signature))
}
