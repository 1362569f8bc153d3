//! Reads several texts out of a JSON object in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The texts of the object's members called `names`; `None` for one that is
/// missing or `null`.
///
/// An error if the body is not a JSON object in UTF-8, one of the members is
/// something else than a text, or its name is repeated.
pub(crate) fn string_fields<'b, const N: usize>(
    body: &'b [u8],
    names: [&str; N],
) -> Result<[Option<Cow<'b, str>>; N], serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let fields = deserializer.deserialize_map(Fields(names))?;
    deserializer.end()?;
    Ok(fields)
}

struct Fields<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
    type Value = [Option<Cow<'de, str>>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [const { None }; N];
        let mut seen = [false; N];
        while let Some(at) = map.next_key_seed(Position(&self.0))? {
            let Some((value, seen)) =
                at.and_then(|at| Some((found.get_mut(at)?, seen.get_mut(at)?)))
            else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(seen, true) {
                return Err(A::Error::custom("repeated key"));
            }
            *value = map.next_value_seed(Text)?;
        }
        Ok(found)
    }
}

/// Which of the names a key is.
struct Position<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for Position<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Position<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

/// A text or `null`.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
        let [a, b] = string_fields(body, ["a", "b"]).ok()?;
        Some((a.map(Cow::into_owned), b.map(Cow::into_owned)))
    }

    #[test]
    fn texts_are_read_and_the_rest_is_skipped() {
        let both = Some((Some("x\n".to_owned()), Some("y".to_owned())));
        assert_eq!(read(br#"{"b":"y","c":[{"a":1}],"a":"x\n"}"#), both);
        assert_eq!(read(br#"{"a":null}"#), Some((None, None)));
        assert_eq!(read(b"{}"), Some((None, None)));
        let escaped = Some((Some("x".to_owned()), None));
        assert_eq!(read(br#"{"\u0061":"\u0078"}"#), escaped);
    }

    #[test]
    fn f17_a_repeated_key_is_refused_however_it_is_written() {
        assert_eq!(read(br#"{"a":"x","a":"x"}"#), None);
        assert_eq!(read(br#"{"a":"x","\u0061":"y"}"#), None);
        assert_eq!(read(br#"{"a":null,"a":"y"}"#), None);
        assert!(read(br#"{"a":"x","c":1,"c":2}"#).is_some());
    }

    #[test]
    fn f18_f19_what_is_not_an_object_of_texts_is_refused() {
        let deep = format!(r#"{{"a":{}"#, "[".repeat(100_000));
        for body in [
            &b""[..],
            b"[]",
            b"\"a\"",
            b"null",
            b"{",
            b"{\"a\":1}",
            b"{\"a\":[]}",
            b"{\"a\":true}",
            b"{} x",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            br#"{"a":"\ud800"}"#,
            b"a=b",
            deep.as_bytes(),
        ] {
            let shown = String::from_utf8_lossy(body.get(..40).unwrap_or(body)).into_owned();
            assert_eq!(read(body), None, "{shown}");
        }
        let ignored = format!(
            r#"{{"c":{}{},"a":"x"}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(read(ignored.as_bytes()).is_some());
    }
}
