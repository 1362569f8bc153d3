//! Reads a body of `application/x-www-form-urlencoded`.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode;

use super::compiled::single_line;
use super::scheme::RepeatedNames;

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// What should be there once is there several times.
    Repeated,
    /// A name or value is not UTF-8, or the headers say that it is not. To
    /// replace what is wrong in it, as parsers do, would make one text of two
    /// bodies, of which one is not signed.
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
pub(crate) fn is_form(headers: &HeaderMap) -> Result<bool, FormError> {
    let line = single_line(headers, &CONTENT_TYPE).map_err(|_| FormError::Repeated)?;
    let Some(line) = line else {
        return Ok(false);
    };
    let mut pieces = line.as_bytes().split(|byte| *byte == b';');
    let kind = pieces.next().unwrap_or_default().trim_ascii();
    if !kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        return Ok(false);
    }
    match pieces.all(is_utf8_or_no_charset) {
        true => Ok(true),
        false => Err(FormError::NotUtf8),
    }
}

fn is_utf8_or_no_charset(parameter: &[u8]) -> bool {
    let mut halves = parameter.splitn(2, |byte| *byte == b'=');
    let name = halves.next().unwrap_or_default().trim_ascii();
    let value = halves.next().unwrap_or_default().trim_ascii();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let value = value.strip_suffix(b"\"").unwrap_or(value);
    !name.eq_ignore_ascii_case(b"charset") || value.eq_ignore_ascii_case(b"utf-8")
}

/// How many fields there are.
pub(crate) fn len(body: &[u8]) -> usize {
    pairs(body).count()
}

/// Names and values, decoded, sorted by name and then by value.
pub(crate) fn sorted_pairs(body: &[u8]) -> Result<Vec<(String, String)>, FormError> {
    let mut pairs = pairs(body).collect::<Result<Vec<_>, _>>()?;
    pairs.sort_unstable();
    Ok(pairs)
}

/// The sorted names and values, joined.
pub(crate) fn sorted(body: &[u8], repeated: RepeatedNames) -> Result<String, FormError> {
    let mut pairs = sorted_pairs(body)?;
    match repeated {
        RepeatedNames::EachPairOnce => pairs.dedup(),
        RepeatedNames::Refused => {
            let all = pairs.len();
            pairs.dedup_by(|(a, _), (b, _)| a == b);
            if pairs.len() < all {
                return Err(FormError::Repeated);
            }
        }
    }
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
        let form = |body: &str| sorted(body.as_bytes(), RepeatedNames::EachPairOnce).unwrap();
        assert_eq!(form("b=2&a=1&a=0&a=1"), "a0a1b2");
        assert_eq!(form("ab=1&a=2"), "a2ab1");
        assert_eq!(form("a=x+y%26z&b&c="), "ax y&zbc");
        assert_eq!(form("a[]=2&a[]=1"), "a[]1a[]2");
        assert_eq!(form(""), "");
    }

    #[test]
    fn g6_repeated_names_are_refused_where_nobody_says_what_they_mean() {
        let form = |body: &str| sorted(body.as_bytes(), RepeatedNames::Refused);
        assert_eq!(form("b=2&a=1"), Ok("a1b2".into()));
        assert_eq!(form("a=1&b=2&%61=3"), Err(FormError::Repeated));
        assert_eq!(form("a=1&a=1"), Err(FormError::Repeated));
        // Not one name: a parser of arrays would make one of them.
        assert_eq!(form("a=1&a[]=2"), Ok("a1a[]2".into()));
    }

    #[test]
    fn what_is_not_utf8_is_refused_and_not_replaced() {
        let form = |body: &[u8]| sorted(body, RepeatedNames::EachPairOnce);
        assert_eq!(form(b"a=%FF"), Err(FormError::NotUtf8));
        assert_eq!(value(b"x=1&\xff=2", "x"), Err(FormError::NotUtf8));
        assert_eq!(form("a=\u{fffd}".as_bytes()), Ok("a\u{fffd}".into()));
    }

    #[test]
    fn a20_only_forms_in_utf8_are_read_as_forms() {
        let is_form = |lines: &[&str]| {
            let mut request = http::Request::new(());
            for line in lines {
                let line = http::HeaderValue::from_str(line).unwrap();
                request.headers_mut().append(CONTENT_TYPE, line);
            }
            super::is_form(request.headers())
        };
        const FORM: &str = "application/x-www-form-urlencoded";
        for line in [
            FORM,
            "Application/X-WWW-Form-Urlencoded",
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;a=b; Charset=\"utf-8\"",
        ] {
            assert_eq!(is_form(&[line]), Ok(true), "{line}");
        }
        for line in [
            "multipart/form-data; boundary=x",
            "application/json",
            "application/x-www-form-urlencoded, text/plain",
            "",
        ] {
            assert_eq!(is_form(&[line]), Ok(false), "{line}");
        }
        for charset in ["latin1", "utf-16", "", "utf-8x", "'utf-8'"] {
            let line = format!("{FORM}; charset={charset}");
            assert_eq!(is_form(&[&line]), Err(FormError::NotUtf8), "{line}");
            let twice = format!("{FORM}; charset=utf-8; charset={charset}");
            assert_eq!(is_form(&[&twice]), Err(FormError::NotUtf8), "{twice}");
        }
        assert_eq!(is_form(&[FORM, FORM]), Err(FormError::Repeated));
        assert_eq!(is_form(&["text/plain", FORM]), Err(FormError::Repeated));
        assert_eq!(is_form(&[]), Ok(false));
    }

    #[test]
    fn f17_a_field_that_comes_twice_is_no_value() {
        assert_eq!(value(b"id=1&id=1", "id"), Err(FormError::Repeated));
        assert_eq!(value(b"i%64=1", "id"), Ok(Some("1".into())));
        assert_eq!(value(b"x=1", "id"), Ok(None));
    }
}
