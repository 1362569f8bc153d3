//! Reads single values out of a JSON body without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

/// The string or integer at `pointer` (RFC 6901) in `body`.
///
/// `Ok(None)` if the pointer leads nowhere or to `null`. Needs neither memory
/// nor stack in proportion to the nesting.
pub(crate) fn read(body: &[u8], pointer: &str) -> Result<Option<String>, JsonError> {
    match raw(body, pointer)? {
        None => Ok(None),
        // It is JSON already; a lone surrogate is there all the same.
        Some(value) => parse(value.as_bytes(), Scalar).map_err(|_| JsonError::Unusable),
    }
}

/// How many keys the object has that `body` is, repeated ones counted each;
/// `None` if it is no object.
pub(crate) fn keys(body: &[u8]) -> Option<usize> {
    parse(body, Keys).ok()
}

struct Keys;

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut keys = 0;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            keys += 1;
        }
        Ok(keys)
    }
}

/// The texts of the items of the array at `pointer`; `Ok(None)` if the pointer
/// leads nowhere.
pub(crate) fn items<'b>(body: &'b [u8], pointer: &str) -> Result<Option<Vec<&'b [u8]>>, JsonError> {
    let Some(array) = raw(body, pointer)? else {
        return Ok(None);
    };
    split_items(array).map(Some)
}

fn split_items(array: &str) -> Result<Vec<&[u8]>, JsonError> {
    let items: Vec<&RawValue> =
        serde_json::from_str(array).map_err(|error| JsonError::from(&error))?;
    Ok(items
        .into_iter()
        .map(|item| item.get().as_bytes())
        .collect())
}

/// The values at a pointer in which `*` stands for every item of an array:
/// `/*/id`, `/value/*/id`. `Ok(None)` if there is no array, or one without
/// items, or an item lacks the value.
pub(crate) fn read_all(body: &[u8], pointer: &str) -> Result<Option<Vec<String>>, JsonError> {
    let Some((array, rest)) = split_wildcard(pointer) else {
        return Ok(read(body, pointer)?.map(|value| vec![value]));
    };
    let items = match raw(body, array)? {
        Some(text) if text.starts_with('[') => split_items(text)?,
        _ => return Ok(None),
    };
    let mut values = Vec::new();
    for item in items {
        match read_all(item, rest)? {
            Some(of_item) => values.extend(of_item),
            None => return Ok(None),
        }
    }
    Ok(Some(values).filter(|values| !values.is_empty()))
}

/// The pointers in front of and behind the first `*`.
fn split_wildcard(pointer: &str) -> Option<(&str, &str)> {
    let (array, rest) = pointer.split_once("/*")?;
    (rest.is_empty() || rest.starts_with('/')).then_some((array, rest))
}

/// The text of the value at `pointer`.
fn raw<'b>(body: &'b [u8], pointer: &str) -> Result<Option<&'b str>, JsonError> {
    let found: Option<&RawValue> = parse(body, Find(pointer))?;
    Ok(found.map(RawValue::get))
}

fn parse<'b, S: DeserializeSeed<'b>>(text: &'b [u8], seed: S) -> Result<S::Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = seed
        .deserialize(&mut deserializer)
        .map_err(|error| JsonError::from(&error))?;
    deserializer.end().map_err(|_| JsonError::NotJson)?;
    Ok(value)
}

/// Why a value could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// The body is not JSON.
    NotJson,
    /// The value is of another type, or a key on the way to it is repeated, so
    /// that two parsers could read two values.
    Unusable,
}

impl From<&serde_json::Error> for JsonError {
    fn from(error: &serde_json::Error) -> Self {
        match error.is_data() {
            true => Self::Unusable,
            false => Self::NotJson,
        }
    }
}

/// A string or an integer; `None` for `null`.
struct Scalar;

impl<'de> DeserializeSeed<'de> for Scalar {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Scalar {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Descends along what is left of the pointer.
struct Find<'p>(&'p str);

impl<'p> Find<'p> {
    /// The next key and the pointer behind it; `None` at the end.
    fn next(&self) -> Option<(Cow<'p, str>, Self)> {
        let rest = self.0.strip_prefix('/')?;
        let (token, rest) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let token = if token.contains('~') {
            Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
        } else {
            Cow::Borrowed(token)
        };
        Some((token, Self(rest)))
    }
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return <&RawValue>::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((wanted, _)) = self.next() else {
            return Ok(None);
        };
        let mut seen = false;
        let mut found = None;
        while let Some(is_wanted) = map.next_key_seed(KeyIs(&wanted))? {
            if !is_wanted {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if std::mem::replace(&mut seen, true) {
                return Err(A::Error::custom("repeated key"));
            }
            let Some((_, rest)) = self.next() else {
                return Ok(None);
            };
            found = map.next_value_seed(rest)?;
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Some((wanted, rest)) = self.next() else {
            return Ok(None);
        };
        let mut found = None;
        if let Some(index) = array_index(&wanted) {
            for _ in 0..index {
                if seq.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = seq.next_element_seed(rest)?.flatten();
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

/// RFC 6901 section 4: neither a sign nor leading zeros, which `usize::from_str`
/// alone would take.
fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || token.starts_with(|first| matches!(first, '1'..='9'));
    token.parse().ok().filter(|_| canonical)
}

/// Whether a key is the wanted one, without copying it.
struct KeyIs<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(body: &str) -> Result<Option<String>, JsonError> {
        read(body.as_bytes(), "/id")
    }

    #[test]
    fn strings_and_integers_are_read() {
        assert_eq!(id(r#"{"a":[{}],"id":"evt_1"}"#), Ok(Some("evt_1".into())));
        assert_eq!(id(r#"{"id":"\u0065\n"}"#), Ok(Some("e\n".into())));
        assert_eq!(
            id(r#"{"id":18446744073709551615}"#),
            Ok(Some(u64::MAX.to_string()))
        );
        assert_eq!(id(r#"{"id":-5}"#), Ok(Some("-5".into())));
    }

    #[test]
    fn what_is_not_there_is_none() {
        for body in [
            "{}",
            "[]",
            "3",
            "-3",
            "1.5",
            "true",
            r#""id""#,
            "null",
            r#"{"id":null}"#,
            r#"{"x":{"id":1}}"#,
        ] {
            assert_eq!(id(body), Ok(None), "{body}");
        }
    }

    #[test]
    fn pointers_descend_through_objects_and_arrays() {
        let body = br#"{"a":{"b/c":[1,{"d~":"x"}]}}"#;
        assert_eq!(read(body, "/a/b~1c/1/d~0"), Ok(Some("x".into())));
        assert_eq!(read(body, "/a/b~1c/7/d~0"), Ok(None));
        assert_eq!(read(body, "/a/b~1c/0"), Ok(Some("1".into())));
        assert_eq!(read(body, "/a/b~1c/0/x"), Ok(None));
        assert_eq!(read(body, "/a/b~1c/00"), Ok(None));
        assert_eq!(read(body, "/a/b~1c/+0"), Ok(None));
    }

    #[test]
    fn every_item_of_an_array_is_read() {
        let all = |body: &str, pointer| read_all(body.as_bytes(), pointer);
        let values = |of: &[&str]| Ok(Some(of.iter().map(ToString::to_string).collect()));
        assert_eq!(
            all(r#"[{"id":1},{"id":"b"}]"#, "/*/id"),
            values(&["1", "b"])
        );
        assert_eq!(all(r#"{"v":["a","b"]}"#, "/v/*"), values(&["a", "b"]));
        let nested = r#"{"e":[{"c":[{"id":1}]},{"c":[{"id":2},{"id":3}]}]}"#;
        assert_eq!(all(nested, "/e/*/c/*/id"), values(&["1", "2", "3"]));
        assert_eq!(all(r#"{"id":"a"}"#, "/id"), values(&["a"]));
        assert_eq!(all(r#"{"*a":"x"}"#, "/*a"), values(&["x"]));
        for body in [
            "[]",
            r#"[{"id":1},{}]"#,
            r#"[{"id":1},{"id":null}]"#,
            " [ ] ",
            "{}",
            r#"{"id":1}"#,
            "null",
            r#""[]""#,
            "1",
        ] {
            assert_eq!(all(body, "/*/id"), Ok(None), "{body}");
        }
        assert_eq!(all(r#" [ {"id":1} ]"#, "/*/id"), values(&["1"]));
        assert_eq!(all(r#"[1]"#, "/*/id"), Ok(None));
        assert_eq!(all("[", "/*/id"), Err(JsonError::NotJson));
        assert_eq!(
            all(r#"[{"id":1,"id":2}]"#, "/*/id"),
            Err(JsonError::Unusable)
        );
    }

    #[test]
    fn f17_a_repeated_key_on_the_way_is_unusable() {
        assert_eq!(id(r#"{"id":"a","id":"b"}"#), Err(JsonError::Unusable));
        assert_eq!(
            read(br#"{"a":{},"a":{"id":1}}"#, "/a/id"),
            Err(JsonError::Unusable)
        );
        assert_eq!(id(r#"{"x":1,"x":2,"id":"a"}"#), Ok(Some("a".into())));
    }

    #[test]
    fn other_types_are_unusable() {
        for body in [
            r#"{"id":true}"#,
            r#"{"id":1.5}"#,
            r#"{"id":{}}"#,
            r#"{"id":[]}"#,
            r#"{"id":1e400}"#,
            r#"{"id":"\ud800"}"#,
        ] {
            assert_eq!(id(body), Err(JsonError::Unusable), "{body}");
        }
    }

    #[test]
    fn f18_deep_nesting_neither_overflows_nor_passes_for_json() {
        let deep = "[".repeat(100_000);
        assert_eq!(id(&deep), Err(JsonError::NotJson));
        let balanced = format!(
            r#"{{"x":{}{},"id":"a"}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        // Ignored values are skipped without recursion.
        assert_eq!(id(&balanced), Ok(Some("a".into())));
    }

    #[test]
    fn what_is_not_json_is_said_to_be_so() {
        for body in ["", "{", "a=b", "{\"id\":\"a\"} x", "\u{feff}{}"] {
            assert_eq!(id(body), Err(JsonError::NotJson), "{body:?}");
        }
        assert_eq!(read(b"{\"id\":\"\xff\"}", "/id"), Err(JsonError::NotJson));
    }
}
