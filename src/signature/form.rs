//! Reads a body of `application/x-www-form-urlencoded`.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode;

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// A field that should be there once is there several times.
    Repeated,
    /// A name or value is not UTF-8. Replacing what is wrong in it, as parsers
    /// do, would make one text of two bodies, of which one is not signed.
    NotUtf8,
}

/// The decoded value of the field `name`.
pub(crate) fn value(body: &[u8], name: &str) -> Result<Option<String>, FormError> {
    let mut found = None;
    for pair in pairs(body) {
        let (key, value) = pair?;
        if key == name && found.replace(value).is_some() {
            return Err(FormError::Repeated);
        }
    }
    Ok(found)
}

/// Whether the headers say that the body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let Some(line) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let kind = line.as_bytes().split(|byte| *byte == b';').next();
    kind.is_some_and(|kind| {
        kind.trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// How many fields there are.
pub(crate) fn len(body: &[u8]) -> usize {
    pairs(body).count()
}

/// Names and values, decoded, sorted by name and then by value, each pair once
/// (as Twilio signs a form).
pub(crate) fn sorted(body: &[u8]) -> Result<String, FormError> {
    let mut pairs = pairs(body).collect::<Result<Vec<_>, _>>()?;
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value.as_str()])
        .collect())
}

fn pairs(body: &[u8]) -> impl Iterator<Item = Result<(String, String), FormError>> {
    body.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = memchr::memchr(b'=', pair);
            let (name, value) = match at.and_then(|at| pair.split_at_checked(at)) {
                Some((name, value)) => (name, value.get(1..).unwrap_or_default()),
                None => (pair, &[][..]),
            };
            Ok((decode(name)?, decode(value)?))
        })
}

fn decode(text: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    Ok(decoded.map_err(|_| FormError::NotUtf8)?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g6_names_and_values_are_sorted_and_repeated_pairs_count_once() {
        let form = |body: &str| sorted(body.as_bytes()).unwrap();
        assert_eq!(form("b=2&a=1&a=0&a=1"), "a0a1b2");
        assert_eq!(form("ab=1&a=2"), "a2ab1");
        assert_eq!(form("a=x+y%26z&b&c="), "ax y&zbc");
        assert_eq!(form(""), "");
    }

    #[test]
    fn what_is_not_utf8_is_refused_and_not_replaced() {
        assert_eq!(sorted(b"a=%FF"), Err(FormError::NotUtf8));
        assert_eq!(value(b"x=1&\xff=2", "x"), Err(FormError::NotUtf8));
        assert_eq!(sorted("a=\u{fffd}".as_bytes()), Ok("a\u{fffd}".into()));
    }

    #[test]
    fn f17_a_field_that_comes_twice_is_no_value() {
        assert_eq!(value(b"id=1&id=1", "id"), Err(FormError::Repeated));
        assert_eq!(value(b"i%64=1", "id"), Ok(Some("1".into())));
        assert_eq!(value(b"x=1", "id"), Ok(None));
    }
}
