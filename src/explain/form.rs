//! A form that was parsed and written again.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode;

use super::body::RAW;
use super::explanation::{Cause, Explanation};
use super::trial::Trial;

/// The characters besides letters and digits that stand for themselves, for the
/// libraries that write forms: Python, browsers, PHP, and `encodeURIComponent`.
const PLAIN: [&[u8]; 4] = [b"_.-~", b"*-._", b"-_.", b"-_.!~*'()"];

pub(super) fn explain(trial: &mut Trial<'_>, body: &[u8]) -> Option<Explanation> {
    if !is_form(&trial.parts.headers) {
        return None;
    }
    for plain in PLAIN {
        for space in ["+", "%20"] {
            for upper in [true, false] {
                let variant = written(body, plain, space, upper);
                if trial.holds_over(&variant) {
                    return Some(Explanation::proved(
                        Cause::BodyFormReencoded,
                        format!(
                            "The signature is right over the form with other percent-escapes, so \
                             it was parsed and written again: {RAW}."
                        ),
                    ));
                }
            }
        }
    }
    None
}

/// Whether the request seems to have a form: more than one opinion on that does
/// no harm here.
fn is_form(headers: &HeaderMap) -> bool {
    const FORM: &[u8] = b"application/x-www-form-urlencoded";
    let kind = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    kind.and_then(|kind| kind.get(..FORM.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
}

fn written(body: &[u8], plain: &[u8], space: &str, upper: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for (index, pair) in body.split(|byte| *byte == b'&').enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        for (index, text) in pair.splitn(2, |byte| *byte == b'=').enumerate() {
            if index > 0 {
                out.push(b'=');
            }
            let spaced: Vec<u8> = text
                .iter()
                .map(|byte| if *byte == b'+' { b' ' } else { *byte })
                .collect();
            for byte in percent_decode(&spaced) {
                match byte {
                    b' ' => out.extend_from_slice(space.as_bytes()),
                    _ if byte.is_ascii_alphanumeric() || plain.contains(&byte) => out.push(byte),
                    _ if upper => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
                    _ => out.extend_from_slice(format!("%{byte:02x}").as_bytes()),
                }
            }
        }
    }
    out
}
