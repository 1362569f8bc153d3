//! What may have happened to the body.

use base64::engine::Engine;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use super::explanation::{Cause, Explanation};
use super::form;
use super::trial::Trial;
use super::written::{STANDARD, URL_SAFE};
use crate::signature::{Coverage, Scheme};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Changes that are taken back, and then lead to the right signature.
pub(super) fn explain(trial: &mut Trial<'_>) -> Option<Explanation> {
    let body = trial.small_body()?;
    if !is_signed(trial.scheme()) {
        return None;
    }
    bytes(trial, body).or_else(|| form::explain(trial, body))
}

/// Whether changes of the body could change what is signed.
pub(super) fn is_signed(scheme: &Scheme) -> bool {
    scheme.coverage() == Coverage::Body
}

fn bytes(trial: &mut Trial<'_>, body: &[u8]) -> Option<Explanation> {
    let mark = Cause::BodyByteOrderMark;
    let ends = Cause::BodyLineEnds;
    let wrapped = Cause::BodyWrapped;
    let variants = [
        (
            mark,
            "without the byte order mark in front",
            without_mark(body),
        ),
        (
            mark,
            "with a byte order mark in front",
            Some([BYTE_ORDER_MARK, body].concat()),
        ),
        (
            ends,
            "without the white space behind the body",
            Some(body.trim_ascii_end().to_vec()),
        ),
        (
            ends,
            "without the white space around the body",
            Some(body.trim_ascii().to_vec()),
        ),
        (
            ends,
            "with one line end behind the body",
            Some([body, b"\n"].concat()),
        ),
        (
            ends,
            "with CR LF behind the body",
            Some([body, b"\r\n"].concat()),
        ),
        (ends, "with LF in the place of CR LF", Some(with_lf(body))),
        (
            ends,
            "with CR LF in the place of LF",
            Some(with_crlf(&with_lf(body))),
        ),
        (wrapped, "decoded as base64", decoded(body)),
        (wrapped, "taken out of a JSON string", unquoted(body)),
        (
            Cause::BodyCharset,
            "decoded as UTF-8 and written as ISO 8859-1",
            latin1(body),
        ),
    ];
    for (cause, how, variant) in variants {
        if variant.is_some_and(|variant| trial.holds_over(&variant)) {
            let todo = match cause {
                Cause::BodyWrapped => {
                    "undo that before the verifier, as for events of AWS Lambda with \
                     `isBase64Encoded`"
                }
                _ => RAW,
            };
            let sentence = format!("The signature is right over the body {how}: {todo}.");
            return Some(Explanation::proved(cause, sentence));
        }
    }
    None
}

/// What to do about all changes of a body.
pub(super) const RAW: &str = "verify the bytes as they were sent, before any extractor, \
     middleware or proxy parses or changes them";

fn without_mark(body: &[u8]) -> Option<Vec<u8>> {
    body.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec)
}

fn with_lf(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte != b'\r' || rest.peek() != Some(&&b'\n') {
            out.push(*byte);
        }
    }
    out
}

fn with_crlf(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for byte in body {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

fn decoded(body: &[u8]) -> Option<Vec<u8>> {
    let text = body.trim_ascii();
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

fn unquoted(body: &[u8]) -> Option<Vec<u8>> {
    serde_json::from_slice::<String>(body)
        .ok()
        .map(String::into_bytes)
}

/// UTF-8 that was made from bytes taken for ISO 8859-1.
fn latin1(body: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(body).ok()?;
    text.chars()
        .map(|character| u8::try_from(character).ok())
        .collect()
}

/// Signs of a change that cannot be taken back.
pub(super) fn signs(trial: &Trial<'_>) -> Option<Explanation> {
    let body = trial.body.filter(|_| is_signed(trial.scheme()))?;
    let header = |name| trial.parts.headers.get(name)?.to_str().ok();
    if let Some(coding) = header(CONTENT_ENCODING)
        && is_compression(coding)
        && !is_compressed(body)
    {
        return Some(Explanation::likely(
            Cause::BodyDecompressed,
            "The body is not compressed, although `content-encoding` says so: what was signed \
             are the compressed bytes, so verify them before anything decompresses them.",
        ));
    }
    let announced: Option<usize> = header(CONTENT_LENGTH).and_then(|text| text.parse().ok());
    if let Some(announced) = announced
        && announced != body.len()
    {
        let length = body.len();
        return Some(Explanation::likely(
            Cause::BodyLength,
            format!(
                "The body has {length} bytes, and its sender announced {announced}: it was \
                 decompressed, parsed and written again, cut off or read before; {RAW}."
            ),
        ));
    }
    if str::from_utf8(body).is_ok_and(|text| text.contains('\u{fffd}')) {
        return Some(Explanation::likely(
            Cause::BodyCharset,
            format!(
                "The body holds replacement characters (U+FFFD), which stand for bytes that were \
                 lost when something took it for UTF-8: {RAW}."
            ),
        ));
    }
    None
}

fn is_compression(coding: &str) -> bool {
    let mut codings = coding.split(',').map(str::trim);
    codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
}

/// Whether the body is not plain text: compressed bytes hardly ever are.
fn is_compressed(body: &[u8]) -> bool {
    !body.is_empty() && str::from_utf8(body).is_err()
}
